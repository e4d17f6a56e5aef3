"""The doctor finds what is wrong, says what to do, and does not pretend to know what it did not look at."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.message
import dns.rrset
import pytest
from sqlalchemy import text

from newsletter.delivery import switch
from newsletter.errors import NewsletterError
from newsletter.pipeline.backups import back_up
from newsletter.pipeline.doctor import domain, house, machine
from newsletter.pipeline.doctor.probe import Diagnosis, Patient, Probe, State
from newsletter.pipeline.doctor.resolver import Dns
from newsletter.pipeline.doctor.run import PROBES, examine
from newsletter.publication import Publication, find_publication
from newsletter.schedule.lease import Scheduler, beat
from newsletter.simulator import Simulator, SimulatorOptions
from newsletter.store.database import open_store

TOML = """
[publication]
name = "Test"
base_url = "https://letters.plain-ai.net"
sender = "Test <test@plain-ai.net>"
postal_address = "Street 1, Town"
"""
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
GOOD = {
    ("plain-ai.net", "TXT"): ['"v=spf1 include:autosend.com ~all"', '"something else"'],
    ("s1._domainkey.plain-ai.net", "TXT"): ['"k=rsa; " "p=MIGf"'],
    ("_dmarc.plain-ai.net", "TXT"): ['"v=DMARC1; p=none; rua=mailto:d@plain-ai.net"'],
    ("plain-ai.net", "MX"): ["20 b.plain-ai.net.", "10 a.plain-ai.net."],
}
Zone = Mapping[tuple[str, str], list[str]]


@contextmanager
def naming(zone: Zone) -> Iterator[Dns]:
    """A DNS server on this machine that knows `zone` and nothing else."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, sock = self.request
            query = dns.message.from_wire(wire)
            (asked,) = query.question
            answer = dns.message.make_response(query)
            kind = dns.rdatatype.to_text(asked.rdtype)
            if rows := zone.get((str(asked.name).rstrip("."), kind)):
                answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *rows))
            elif not any(name == str(asked.name).rstrip(".") for name, _ in zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            sock.sendto(answer.to_wire(), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Dns(["127.0.0.1"], server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def publication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publication:
    monkeypatch.delenv("AUTOSEND_API_KEY", raising=False)
    (tmp_path / "issues").mkdir()
    return configured(tmp_path, "")


def configured(folder: Path, more: str, toml: str = TOML) -> Publication:
    (folder / "newsletter.toml").write_text(f"{toml}{more}", encoding="utf-8")
    return find_publication(folder, folder)


def of(found: list[Diagnosis], name: str) -> list[tuple[str, str]]:
    return [(each.state.value, each.message) for each in found if each.probe == name]


def looked(probe: Probe, publication: Publication, **more: object) -> Diagnosis:
    """The last line of one probe, which is its verdict."""
    patient = Patient(publication, NOW, environment=dict(os.environ), **more)  # type: ignore[arg-type]
    return probe(patient)[-1]


def test_a_healthy_publication_has_no_line_that_fails(
    publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SimulatorOptions(publication.folder / "simulator", api_key="AS_right", rate=0)
    monkeypatch.setenv("AUTOSEND_API_KEY", "AS_right")
    with naming(GOOD) as names, Simulator(options) as simulator:
        ready = configured(publication.folder, f'[provider]\nbase_url = "{simulator.url}"\n')
        with open_store("", ready.state).transaction() as connection:
            now = datetime.now(UTC)
            beat(connection, Scheduler("me", "here", now, lambda _: False), now)
        store = open_store("", ready.state)
        back_up(ready, store, datetime.now(UTC))
        store.close()
        found = list(examine(ready, datetime.now(UTC), resolver=names))
    assert [each for each in found if each.state in (State.FAIL, State.WARN)] == []
    assert of(found, "provider") == [("ok", "autosend answers and takes the key")]
    assert of(found, "mx") == [("ok", "mail to plain-ai.net goes to a.plain-ai.net")]
    assert of(found, "dkim") == [("ok", "plain-ai.net has DKIM keys: s1")]
    assert {each.probe for each in found} == {probe.name for probe in PROBES}
    assert "AS_right" not in str(found)


def test_a_wrong_key_and_a_provider_that_is_away(publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSEND_API_KEY", "AS_wrong")
    options = SimulatorOptions(publication.folder / "simulator", api_key="AS_right", rate=0)
    with naming(GOOD) as names:
        with Simulator(options) as simulator:
            ready = configured(publication.folder, f'[provider]\nbase_url = "{simulator.url}"\n')
            found = list(examine(ready, NOW, resolver=names))
        assert of(found, "provider")[0][0] == "fail"
        assert "401" in of(found, "provider")[0][1]
        assert [state for state, _ in of(found, "clock")] == ["ok"]
        found = list(examine(ready, NOW, resolver=names))
    assert of(found, "provider") == [("fail", "the provider cannot be reached")]
    assert of(found, "clock") == [("not checked", "the provider does not tell its time")]


@pytest.mark.parametrize(
    ("probe", "zone", "state", "words"),
    [
        (domain.spf, {}, "fail", "has no SPF record"),
        (domain.spf, {("plain-ai.net", "TXT"): ['"v=spf1 +all"']}, "fail", "lets everybody send"),
        (domain.spf, {("plain-ai.net", "TXT"): ['"v=spf1 -all"', '"v=spf1 ~all"']}, "fail", "2 SPF records"),
        (
            domain.spf,
            {("plain-ai.net", "TXT"): [f'"v=spf1 {" ".join(f"include:{n}.net" for n in range(11))} -all"']},
            "warn",
            "11 look-ups",
        ),
        (domain.spf, {("plain-ai.net", "TXT"): ['"v=spf1 a mx a:x.net ip4:1.2.3.4 ~all"']}, "ok", "v=spf1 a mx"),
        (domain.dkim, {}, "not checked", "none of 11 common selectors"),
        (domain.dmarc, {}, "fail", "no DMARC record"),
        (domain.dmarc, {("_dmarc.plain-ai.net", "TXT"): ['"v=DMARC1"']}, "fail", "has no policy"),
        (domain.dmarc, {("_dmarc.plain-ai.net", "TXT"): ['"v=DMARC1; p=none"']}, "warn", "nobody is told"),
        (domain.dmarc, {("_dmarc.plain-ai.net", "TXT"): ['"v=DMARC1; p=reject"']}, "ok", "p=reject"),
        (domain.mx, {}, "fail", "reaches nobody"),
        (domain.mx, {("plain-ai.net", "A"): ["127.0.0.1"]}, "warn", "no MX record"),
        (domain.mx, {("plain-ai.net", "MX"): ["0 ."]}, "fail", "takes no mail"),
    ],
)
def test_what_dns_says_of_the_senders_domain(
    publication: Publication, probe: Probe, zone: Zone, state: str, words: str
) -> None:
    with naming(zone) as names:
        found = looked(probe, publication, resolver=names)
    assert (found.state.value, words in found.message) == (state, True), found
    assert found.fix or found.state is State.OK


@pytest.mark.parametrize("probe", [domain.spf, domain.dkim, domain.dmarc, domain.mx])
def test_dns_that_cannot_be_asked_is_not_checked_and_never_wrong(publication: Publication, probe: Probe) -> None:
    silent = Dns(["127.0.0.1"], 1)
    silent._resolver.lifetime = 0.2
    found = looked(probe, publication, resolver=silent)
    assert (found.state, "DNS does not answer" in found.message) == (State.UNKNOWN, True)
    assert looked(probe, publication).message == "nobody to ask"
    assert looked(probe, publication, resolver=silent, offline=True).message == "--offline"
    sample = configured(publication.folder, "", TOML.replace("plain-ai.net", "plain-ai.example"))
    assert "a name for examples" in looked(probe, sample, resolver=silent).message


def test_a_database_that_cannot_be_opened_is_told_and_the_others_go_on(publication: Publication) -> None:
    publication.state.mkdir()
    (publication.state / "newsletter.db").write_bytes(b"this is no database" * 500)
    found = list(examine(publication, NOW, offline=True))
    assert of(found, "database") == [("fail", f"{publication.state / 'newsletter.db'}: file is not a database")]
    assert of(found, "scheduler") == [("not checked", "the database is not open")]
    assert of(found, "theme")[0][0] == "ok"


def test_a_newer_database_is_told(publication: Publication) -> None:
    with open_store("", publication.state).transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "a newer one wrote it" in of(list(examine(publication, NOW, offline=True)), "database")[0][1]


def test_rights_that_are_too_wide(publication: Publication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    publication.state.mkdir(mode=0o755)
    publication.state.chmod(0o755)
    secret = tmp_path / "key"
    secret.write_text("AS_0123456789")
    secret.chmod(0o644)
    monkeypatch.setenv("AUTOSEND_API_KEY_FILE", str(secret))
    patient = Patient(publication, NOW, environment=dict(os.environ))
    assert [(each.state.value, each.fix) for each in machine.rights(patient)] == [
        ("warn", f"chmod 700 {publication.state}"),
        ("fail", f"chmod 600 {secret}"),
    ]
    publication.state.chmod(0o700)
    secret.chmod(0o600)
    assert looked(machine.rights, publication).state is State.OK


def test_a_new_state_folder_is_for_its_owner_only(publication: Publication) -> None:
    open_store("", publication.state).close()
    assert looked(machine.rights, publication).state is State.OK


def test_the_scheduler_is_missed_where_something_waits_for_it(publication: Publication) -> None:
    store = open_store("", publication.state)
    assert looked(house.scheduler, publication, store=store).state is State.UNKNOWN
    with store.transaction() as connection:
        beat(connection, Scheduler("me", "here", NOW, lambda _: False), NOW - timedelta(minutes=1))
    assert looked(house.scheduler, publication, store=store).message == "last seen 60 s ago"
    with store.transaction() as connection:
        switch.stop(connection, "the link is wrong", NOW)
    lines = house.scheduler(Patient(publication, NOW, store=store))
    assert (lines[0].state, lines[0].message) == (State.WARN, "sending is stopped: the link is wrong")
    store.close()


def test_backups_that_are_missing_or_old(publication: Publication) -> None:
    assert looked(house.backup, publication).message.startswith("none in")
    store = open_store("", publication.state)
    back_up(publication, store, NOW - timedelta(days=2))
    store.close()
    assert looked(house.backup, publication).state is State.OK  # by hand, once a week will do
    nightly = configured(publication.folder, "[backup]\nkeep = 7\n")
    assert looked(house.backup, nightly).message == "the newest is of 2026-11-23"


@pytest.mark.parametrize(
    ("change", "probe", "state"),
    [
        (("https://letters", "http://letters"), domain.public_address, "fail"),
        (("https://letters.plain-ai.net", "http://localhost:8651"), domain.public_address, "warn"),
        (("test@plain-ai.net", "ada@gmail.com"), domain.bulk_rules, "fail"),
        (("Street 1, Town", ""), domain.bulk_rules, "ok"),
    ],
)
def test_what_the_configuration_itself_gives_away(
    publication: Publication, change: tuple[str, str], probe: Probe, state: str
) -> None:
    found = probe(Patient(configured(publication.folder, "", TOML.replace(*change)), NOW))
    assert found[-1].state.value == state
    if change[1] == "":
        assert found[0].state is State.FAIL


def test_a_look_that_breaks_is_a_finding_and_the_others_go_on(publication: Publication) -> None:
    def breaks(_: Patient) -> Iterator[tuple[State, str]]:
        raise NewsletterError("the wall is gone", "build it")
        yield State.OK, ""

    (found,) = Probe("wall", breaks)(Patient(publication, NOW))
    assert (found.state, found.message, found.fix) == (
        State.FAIL,
        "the look itself failed: the wall is gone",
        "build it",
    )
