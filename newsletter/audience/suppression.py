"""Addresses that must not be mailed, whoever they belong to and however they came back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from newsletter.store.tables import suppressions


def suppress(connection: Connection, email_key: str, reason: str, source: str, now: datetime) -> bool:
    """Never mail this address again; whether it was not suppressed before. The first reason stays."""
    if connection.execute(select(suppressions.c.reason).where(suppressions.c.email_key == email_key)).first():
        return False
    row = {"email_key": email_key, "reason": reason, "source": source, "created_at": now}
    connection.execute(suppressions.insert(), row)
    return True
