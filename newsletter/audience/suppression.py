"""Addresses that must not be mailed, whoever they belong to and however they came back."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, select

from newsletter.store.tables import facts, suppressions

_SALT = "erasure_salt"


def suppress(connection: Connection, email_key: str, reason: str, source: str, now: datetime) -> bool:
    """Never mail this address again; whether it was not suppressed before. The first reason stays."""
    if connection.execute(select(suppressions.c.reason).where(suppressions.c.email_key == email_key)).first():
        return False
    row = {"email_key": email_key, "reason": reason, "source": source[:200], "created_at": now}
    connection.execute(suppressions.insert(), row)
    return True


def unsuppress(connection: Connection, email_key: str) -> bool:
    """Let an address be mailed again, if its reader agrees; whether it was suppressed."""
    return connection.execute(delete(suppressions).where(suppressions.c.email_key == email_key)).rowcount > 0


def is_suppressed(connection: Connection, email_key: str) -> bool:
    """Whether an address must not be mailed, even if its reader asked; who was erased may come back by asking."""
    return (
        connection.execute(select(suppressions.c.reason).where(suppressions.c.email_key == email_key)).first()
        is not None
    )


def erased_key(connection: Connection, email_key: str) -> str:
    """What stays of an erased address: a keyed hash, which tells the address again and gives it to nobody.

    The key is this database's own, so that a list of hashes means nothing elsewhere.
    """
    return hash_address(salt(connection), email_key)


def hash_address(key: bytes, email_key: str) -> str:
    """The keyed hash of an address."""
    return "erased:" + hmac.digest(key, email_key.encode(), "sha256").hex()


def any_erased(connection: Connection) -> bool:
    """Whether anybody was ever erased."""
    query = select(suppressions.c.email_key).where(suppressions.c.email_key.like("erased:%")).limit(1)
    return connection.execute(query).first() is not None


def salt(connection: Connection) -> bytes:
    """The key of the hashes, made when it is first needed."""
    found = connection.execute(select(facts.c.value).where(facts.c.name == _SALT)).scalar()
    if found is None:
        found = secrets.token_hex(32)
        connection.execute(facts.insert(), {"name": _SALT, "value": found})
    return hashlib.sha256(found.encode()).digest()
