"""The readers as whom an edition is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from newsletter.content.reader import parse_issue
from newsletter.publication import builtin
from newsletter.render.renderer import render
from newsletter.render.site import Site
from newsletter.render.theme import read_theme
from newsletter.store.database import Store
from newsletter.store.tables import subscriber_tags, subscribers
from newsletter.web.preview.readers import as_read_by, somebody

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BODY = b"""# T

{{ tags | each("a * reader") | join(", ") | default("a reader") }} in {{ fields.city | default("a town") }}
"""


def test_a_chosen_subscriber_is_shown_what_their_tags_and_fields_bring_them(store: Store) -> None:
    row = {
        "id": 7,
        "email": "ada@x.example",
        "email_key": "ada@x.example",
        "state": "active",
        "fields": {"city": "Rome"},
    }
    with store.transaction() as connection:
        connection.execute(subscribers.insert(), row | {"created_at": NOW, "changed_at": NOW})
        connection.execute(subscriber_tags.insert(), [{"subscriber_id": 7, "tag": tag} for tag in ("vip", "beta")])
    site = Site("Letters", "https://letters.example", "hello@letters.example")
    edition = render(parse_issue(Path("issues/a.md"), BODY), site, read_theme([builtin("templates")], "default"))
    with store.reading() as connection:
        ada, made_up = somebody(connection, "7"), somebody(connection, "nobody")
    assert "a beta reader, a vip reader in Rome" in as_read_by(edition, ada, site.base_url).text
    assert "a reader in a town" in as_read_by(edition, made_up, site.base_url).text
