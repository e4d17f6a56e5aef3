"""Lists as people have them: one reader in many spellings, absurd names, nobody at all. Each gets one mail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from test_broadcaster import START, ScriptedProvider, run, states

from newsletter.audience.files import read_list
from newsletter.audience.importing import ImportReport, import_entries
from newsletter.delivery.planning import create_broadcast
from newsletter.delivery.protocol import Outcome, Recipient
from newsletter.delivery.report import Report
from newsletter.store.database import Store
from newsletter.store.tables import editions


@dataclass
class Listening(ScriptedProvider):
    """Remembers whom it was told of, in their own words."""

    told: list[Recipient] = field(default_factory=list)

    def post(self, recipients: Sequence[Recipient], key: str) -> Outcome:
        self.told += recipients
        return super().post(recipients, key)


def take(store: Store, folder: Path, rows: list[dict[str, str]]) -> ImportReport:
    (folder / "list.json").write_text(json.dumps(rows))
    with store.transaction() as connection:
        return import_entries(connection, read_list(folder / "list.json"), source="a test", now=START)


def send(store: Store, provider: ScriptedProvider) -> Report:
    with store.transaction() as connection:
        connection.execute(editions.insert(), {"digest": "d", "slug": "one", "content": "{}", "created_at": START})
        words = {"slug": "one", "digest": "d", "segment": "", "provider": "scripted"}
        broadcast = create_broadcast(connection, **words, now=START, slot=None)  # type: ignore[arg-type]
    report = run(store, broadcast, provider)
    assert isinstance(report, Report)
    return report


SPELLINGS = [
    ["ada@x.example", "ADA@x.example", "Ada@X.EXAMPLE", "  ada@x.example "],
    ["bo@bücher.example", "bo@xn--bcher-kva.example", "bo@BÜCHER.example", "bo@bu\u0308cher.example"],
    ["cy@例え.example", "cy@xn--r8jz45g.example"],
    ["dee@straße.example", "DEE@xn--strae-oqa.example"],
    ["eve+news@x.example"],  # a plus tag is another address, and so is a dot
    ["eve@x.example"],
    ["e.ve@x.example"],
]


def test_one_reader_in_many_spellings_gets_one_mail(store: Store, tmp_path: Path) -> None:
    rows = [{"email": spelling} for spellings in SPELLINGS for spelling in spellings]
    report = take(store, tmp_path, rows)
    assert (report.added, report.rejects) == (len(SPELLINGS), [])
    provider = Listening()
    assert send(store, provider).sent == len(SPELLINGS)
    assert set(provider.inboxes.values()) == {1}
    assert all(address.isascii() for address in provider.inboxes)


def test_who_left_under_one_spelling_is_not_mailed_under_another(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, [{"email": "bo@bücher.example", "status": "unsubscribed"}])
    take(store, tmp_path, [{"email": "BO@xn--bcher-kva.example", "status": "active"}, {"email": "ada@x.example"}])
    provider = Listening()
    assert send(store, provider).skipped == {"unsubscribed": 1}
    assert list(provider.inboxes) == ["ada@x.example"]


NAMES = ["x" * 50_000, "a\r\nBcc: all@x.example", "a\0b", "\u202eevil", "𝕬" * 5_000, "   ", "\n" * 9_000, "Bo"]


def test_no_name_costs_anybody_their_mail_or_brings_a_line_of_its_own(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, [{"email": f"r{n}@x.example", "name": name} for n, name in enumerate(NAMES)])
    provider = Listening()
    assert (send(store, provider).sent, states(store)) == (len(NAMES), {"accepted": len(NAMES)})
    names = [recipient.name for recipient in provider.told]
    assert (len(names), names[-1], max(map(len, names))) == (len(NAMES), "Bo", 200)
    assert not any(char in name for name in names for char in "\r\n\0")


def test_a_broadcast_to_nobody_ends_without_a_call(store: Store, tmp_path: Path) -> None:
    provider = Listening()
    report = send(store, provider)
    assert (report.state, report.readers, provider.calls) == ("sent", 0, 0)


def test_a_broadcast_to_readers_who_all_left_ends_without_a_call(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, [{"email": f"r{n}@x.example", "status": "unsubscribed"} for n in range(3)])
    provider = Listening()
    report = send(store, provider)
    assert (report.state, report.skipped, provider.calls) == ("sent", {"unsubscribed": 3}, 0)


def test_what_is_no_address_is_rejected_at_the_door(store: Store, tmp_path: Path) -> None:
    absurd = ["", "a", "@", "a@", "a@b", "a@b@c.example", "a b@x.example", "a@x_y.example", "größe@x.example"]
    absurd += [f"{'a' * 65}@x.example", f"a@{'b' * 300}.example", "a@x..example", "a@127.0.0.1"]
    report = take(store, tmp_path, [{"email": address} for address in absurd] + [{"email": "ada@x.example"}])
    assert (report.added, len(report.rejects)) == (1, len(absurd))
    assert send(store, Listening()).sent == 1
