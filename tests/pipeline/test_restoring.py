"""Backups and what may happen after one is restored: nobody gets an issue twice, the simulator being the judge."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.audience.consent import find, record
from newsletter.audience.erasure import forget
from newsletter.audience.subscribers import State, leave
from newsletter.audience.tokens import open_signer
from newsletter.clock import SystemClock
from newsletter.delivery import switch
from newsletter.delivery.events import apply_events, store_events
from newsletter.delivery.job import Progress
from newsletter.delivery.protocol import Event, EventKind
from newsletter.errors import NewsletterError, PartlySentError, SafetyError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.backups import back_up, backups_in, folder_of, nightly
from newsletter.pipeline.desk import open_desk
from newsletter.pipeline.restoring import restore
from newsletter.pipeline.sending import Sending
from newsletter.pipeline.watching import Look, Watch
from newsletter.providers.autosend import AutoSend
from newsletter.publication import Publication, find_publication
from newsletter.schedule import queue
from newsletter.simulator import Simulator, SimulatorOptions
from newsletter.store.copying import read_copy
from newsletter.store.database import Store, open_store
from newsletter.store.tables import batches, broadcasts, deliveries, leases, subscribers

TUESDAY = datetime(2026, 11, 24, 8, tzinfo=UTC)  # 09:00 in Berlin
FRIDAY = TUESDAY + timedelta(days=3)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
READERS = 45
_TOML = """
[publication]
name = "Test"
base_url = "https://test.example"
sender = "Test <test@test.example>"
postal_address = "Test, 1 Test Road, 10115 Berlin"
[schedule]
timezone = "Europe/Berlin"
{schedule}
[delivery]
batch_size = 10
requests_per_second = 1000
concurrency = 1
backoff = "1ms"
[notify]
preflight = "0s"
warn_empty = "0s"
[backup]
keep = {keep}
[storage]
database_url = "{url}"
"""


@dataclass
class Place:
    """A publication whose mails go to a simulator. Each call opens the database anew, as a process would."""

    folder: Path
    simulator: Simulator
    url: str
    said: list[str] = field(default_factory=list)

    @property
    def publication(self) -> Publication:
        return find_publication(self.folder, self.folder)

    def store(self) -> closing[Store]:
        return closing(open_store(self.url, self.folder / ".newsletter"))

    @property
    def provider(self) -> AutoSend:
        return AutoSend(self.simulator.url, "AS_key", honours_keys=True)

    def configure(self, schedule: str = "", keep: int = 0) -> None:
        text = _TOML.format(url=self.url, schedule=schedule, keep=keep)
        (self.folder / "newsletter.toml").write_text(text, encoding="utf-8")

    def write(self, *names: str, approved: bool = True) -> None:
        for name in names:
            front = f"---\nsubject: About {name}\npreheader: What it is\nstatus: ready\n---\n\n"
            (self.folder / "issues" / f"{name}.md").write_text(f"{front}A body of a few words.\n", encoding="utf-8")
            if approved:
                with self.store() as store:
                    desk = open_desk(self.publication)
                    approve(desk, store, desk.find(name), TUESDAY - 30 * HOUR)

    def look(self, now: datetime, stop_after: int = 10**6) -> Look:
        """One pass of a scheduler that has just been started; it is stopped after so many mails."""
        sent = [0]

        def progress(step: Progress) -> None:
            sent[0] = step.sent

        with self.store() as store:
            clock = SystemClock.starting_at(now)
            watch = Watch(self.publication, store, self.provider, clock, self.said.append, progress, links=False)
            watch.wants_stop = lambda: sent[0] >= stop_after
            try:
                return watch.look()
            finally:
                watch.close()

    def back_up(self, now: datetime) -> Path:
        with self.store() as store:
            return back_up(self.publication, store, now).file

    def sending(self, store: Store, now: datetime) -> Sending:
        return Sending(open_desk(self.publication), store, self.provider, SystemClock.starting_at(now))

    def let_go(self) -> None:
        with self.store() as store, store.transaction() as connection:
            switch.resume(connection)

    def got(self, name: str) -> Counter[str]:
        """How many mails of an issue each address got, by the simulator's record."""
        record = self.simulator.options.data / "accepted.ndjson"
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        mails = [json.loads(line) for line in lines]
        return Counter(mail["to"]["email"] for mail in mails if mail["subject"] == f"About {name}")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    yield from _place(tmp_path, url)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """The same on SQLite only."""
    yield from _place(tmp_path, "")


def _place(folder: Path, url: str) -> Iterator[Place]:
    (folder / "issues").mkdir()
    with Simulator(SimulatorOptions(folder / "simulator", rate=0, bodies="template")) as simulator:
        made = Place(folder, simulator, url)
        made.configure()
        with made.store() as store, store.transaction() as connection:
            rows = [
                {"email": f"r{n:02}@reader.example", "email_key": f"r{n:02}@reader.example", "state": "active"}
                | {"created_at": TUESDAY, "changed_at": TUESDAY, "consent_at": TUESDAY - HOUR}
                for n in range(READERS)
            ]
            connection.execute(subscribers.insert(), rows)
        yield made


def test_restored_to_the_middle_of_a_broadcast_nobody_gets_anything_twice(place: Place) -> None:
    """One leaves after the backup: a later batch is another call then, and no key would keep it from coming twice."""
    place.write("word-1", "word-2", "word-3")
    place.look(TUESDAY, stop_after=10)
    sent = place.got("word-1").total()
    assert 0 < sent <= 20
    backup = place.back_up(TUESDAY + MINUTE)
    with place.store() as store, store.transaction() as connection:
        member = find(connection, email_key="r33@reader.example")
        assert member
        leave(connection, member.id, State.UNSUBSCRIBED, TUESDAY + MINUTE)
        record(connection, member.id, "left", "a link", TUESDAY + MINUTE)
    place.look(TUESDAY + 2 * MINUTE)
    place.look(FRIDAY)
    once = {f"r{n:02}@reader.example": 1 for n in range(READERS) if n != 33}
    assert (place.got("word-1"), place.got("word-2")) == (once, once)

    done = restore(place.publication, backup, FRIDAY + HOUR, confirmed=True)
    assert [(report.slug, report.sent, report.deliveries["unknown"]) for report in done.unfinished] == [
        ("word-1", sent, READERS - sent)
    ]
    assert (done.held, done.departures) == (("word-2", "word-3"), 1)
    assert done.told == {"word-1": "sent, 44 of 44 readers", "word-2": "sent, 44 of 44 readers"}
    for moment in (HOUR + MINUTE, 2 * HOUR, 5 * HOUR):
        place.look(FRIDAY + moment)
    place.let_go()
    for moment in (FRIDAY + 5 * HOUR + MINUTE, TUESDAY + timedelta(days=7)):
        place.look(moment)
    assert (place.got("word-1"), place.got("word-2"), place.got("word-3")) == (once, once, Counter())

    now = TUESDAY + timedelta(days=7, hours=1)
    with place.store() as store:
        with pytest.raises(PartlySentError, match=r"unknown: it is unknown .*restored from a backup of 2026-11-24"):
            place.sending(store, now).resume("word-1")
        assert place.got("word-1") == once
        assert place.sending(store, now).resume("word-1", "skip").state == "sent"
        with store.transaction() as connection:
            queue.remove(connection, "word-2")
            queue.hold(connection, "word-3", held=False)
    place.look(FRIDAY + timedelta(days=7))
    assert (place.got("word-1"), place.got("word-2"), place.got("word-3")) == (once, once, once)


def test_a_person_who_says_repeat_mails_those_in_doubt_and_the_provider_knows_the_same_calls_again(
    place: Place,
) -> None:
    place.write("word-1")
    place.look(TUESDAY, stop_after=10)
    backup = place.back_up(TUESDAY + MINUTE)
    place.look(TUESDAY + 2 * MINUTE, stop_after=30)  # two batches more, and then the disk broke
    restore(place.publication, backup, TUESDAY + HOUR, confirmed=True)
    place.let_go()
    with place.store() as store:
        report = place.sending(store, TUESDAY + 2 * HOUR).resume("word-1", "repeat")
    assert (report.state, report.sent) == ("sent", READERS)
    assert place.got("word-1") == {f"r{n:02}@reader.example": 1 for n in range(READERS)}


def test_the_providers_events_settle_what_a_restore_left_in_doubt(here: Place) -> None:
    here.write("word-1")
    here.look(TUESDAY, stop_after=10)
    backup = here.back_up(TUESDAY + MINUTE)
    here.look(TUESDAY + 2 * MINUTE)
    with here.store() as store, store.reading() as connection:
        references = dict(connection.execute(select(batches.c.number, batches.c.reference)).all())
    restore(here.publication, backup, TUESDAY + HOUR, confirmed=True)
    here.let_go()
    now = TUESDAY + 2 * HOUR
    told = [
        Event(EventKind.DELIVERED, f"r{10 * number - 10:02}@reader.example", now, f"k{number}", references[number])
        for number in (2, 3, 4, 5)
    ]
    told = [Event(e.kind, e.email, now, e.key, e.reference, subject="About word-1") for e in told]
    with here.store() as store:
        with store.transaction() as connection:
            store_events(connection, "autosend", told, now)
            apply_events(connection, now, 3)
        report = here.sending(store, now).resume("word-1")
    assert (report.state, report.sent, here.got("word-1").total()) == ("sent", READERS, READERS)


def test_a_broadcast_that_was_never_begun_in_the_backup_is_in_doubt_for_everybody(here: Place) -> None:
    here.write("word-1")
    with here.store() as store:
        sending = here.sending(store, TUESDAY)
        with store.reading() as connection:
            (issue,) = queue.approved(connection)
        sending.plan_now(issue)
    backup = here.back_up(TUESDAY + MINUTE)
    here.look(TUESDAY + 2 * MINUTE)
    done = restore(here.publication, backup, TUESDAY + HOUR, confirmed=True)
    assert [report.deliveries for report in done.unfinished] == [{"unknown": READERS}]
    here.let_go()
    here.look(TUESDAY + 2 * HOUR)
    assert here.got("word-1").total() == READERS


def test_without_approvals_the_scheduler_does_not_send_again_what_the_backup_did_not_know(here: Place) -> None:
    here.configure(schedule="require_approval = false")
    backup = here.back_up(TUESDAY - HOUR)
    here.write("word-1", approved=False)
    here.look(TUESDAY)
    assert here.got("word-1").total() == READERS
    restore(here.publication, backup, TUESDAY + HOUR, confirmed=True)
    here.let_go()
    here.look(TUESDAY + 2 * HOUR)
    here.look(FRIDAY)
    assert here.got("word-1").total() == READERS
    with here.store() as store, store.reading() as connection:
        assert [(issue.slug, issue.held) for issue in queue.approved(connection)] == [("word-1", True)]


def test_a_slot_that_passed_between_backup_and_restore_is_not_opened_for_another_issue(here: Place) -> None:
    here.write("word-1")
    backup = here.back_up(TUESDAY - HOUR)
    here.look(TUESDAY)
    restore(here.publication, backup, TUESDAY + HOUR, confirmed=True)
    here.let_go()
    (here.folder / "issues" / "word-1.md").unlink()
    here.write("word-9")
    here.look(TUESDAY + 2 * HOUR)
    assert here.got("word-9").total() == 0
    here.look(FRIDAY)
    assert here.got("word-9").total() == READERS


def test_who_left_or_was_erased_since_the_backup_stays_out(place: Place) -> None:
    backup = place.back_up(TUESDAY - HOUR)
    with place.store() as store, store.transaction() as connection:
        forget(connection, "r07@reader.example", TUESDAY)
        leave(connection, 3, State.COMPLAINED, TUESDAY)
    done = restore(place.publication, backup, TUESDAY + HOUR, confirmed=True)
    assert done.departures == 2
    with place.store() as store, store.reading() as connection:
        keys = set(connection.execute(select(subscribers.c.email_key)).scalars())
        state = connection.execute(select(subscribers.c.state).where(subscribers.c.id == 3)).scalar_one()
    assert ("r07@reader.example" in keys, state) == (False, "complained")


def test_a_restored_database_goes_on_counting(place: Place) -> None:
    backup = place.back_up(TUESDAY)
    restore(place.publication, backup, TUESDAY + HOUR, confirmed=True)
    with place.store() as store, store.transaction() as connection:
        row = {"email": "new@reader.example", "email_key": "new@reader.example", "state": "active"}
        key = connection.execute(subscribers.insert(), row | {"created_at": TUESDAY, "changed_at": TUESDAY})
        assert key.inserted_primary_key == (READERS + 1,)


def test_a_backup_is_for_its_owner_only_and_says_what_it_is(place: Place) -> None:
    open_signer(place.folder / ".newsletter")
    file = place.back_up(TUESDAY)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    copy = read_copy(file)
    assert (copy.taken_at, copy.facts["base_url"]) == (TUESDAY, "https://test.example")
    assert copy.files["token.key"] == (place.folder / ".newsletter" / "token.key").read_bytes()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM subscribers").fetchone() == (READERS,)
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_a_publication_moves_from_sqlite_to_postgresql_by_its_backup(here: Place, postgres_url: str) -> None:
    here.write("word-1")
    here.look(TUESDAY)
    backup = here.back_up(TUESDAY + HOUR)
    here.url = postgres_url
    here.configure()
    restore(here.publication, backup, TUESDAY + 2 * HOUR, confirmed=False)
    with here.store() as store, store.reading() as connection:
        assert connection.dialect.name == "postgresql"
        assert connection.execute(select(broadcasts.c.state)).scalars().all() == ["sent"]
        assert len(connection.execute(select(deliveries.c.subscriber_id)).all()) == READERS


def test_links_of_the_backups_time_work_with_the_key_of_another_machine(here: Place) -> None:
    state = here.folder / ".newsletter"
    old = open_signer(state).unsubscribe_token(5)
    backup = here.back_up(TUESDAY)
    (state / "token.key").unlink()
    new = open_signer(state).unsubscribe_token(6)
    restore(here.publication, backup, TUESDAY + HOUR, confirmed=True)
    signer = open_signer(state)
    assert (signer.unsubscribes(old), signer.unsubscribes(new), signer.unsubscribe_token(6)) == (5, 6, new)
    assert stat.S_IMODE((state / "token.key").stat().st_mode) == 0o600


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[5000:5400] = b"x" * 400
    file.write_bytes(content)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: 20 * 4096])
    file.with_name(f"{file.name}.sha256").unlink()


def no_database(file: Path) -> None:
    file.write_text("not a database at all, but longer than a header would be" * 10, encoding="utf-8")
    file.with_name(f"{file.name}.sha256").unlink()


def another_program(file: Path) -> None:
    file.unlink()
    file.with_name(f"{file.name}.sha256").unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE x (y)")


def newer_program(file: Path) -> None:
    file.with_name(f"{file.name}.sha256").unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage, "not what its checksum says"),
        (cut_short, "damaged|cannot be read as a backup"),
        (no_database, "cannot be read as a backup"),
        (another_program, "no database of newsletter"),
        (newer_program, "a newer one wrote it"),
        (Path.unlink, "there is no such backup"),
    ],
)
def test_a_file_that_is_no_backup_changes_nothing(here: Place, spoil: Callable[[Path], None], words: str) -> None:
    backup = here.back_up(TUESDAY)
    spoil(backup)
    with pytest.raises(NewsletterError, match=words):
        restore(here.publication, backup, TUESDAY + HOUR, confirmed=True)
    with here.store() as store, store.reading() as connection:
        assert not switch.is_stopped(connection)
    assert list((here.folder / ".newsletter").glob(".restoring*")) == []


def test_news_since_the_backup_are_given_up_only_if_that_is_said(place: Place) -> None:
    backup = place.back_up(TUESDAY)
    with place.store() as store, store.transaction() as connection:
        record(connection, 1, "left", "a link", TUESDAY + MINUTE)
    with pytest.raises(SafetyError, match=r"has news since the backup of 2026-11-24 08:00 UTC: 1 change of a reader"):
        restore(place.publication, backup, TUESDAY + HOUR, confirmed=False)
    done = restore(place.publication, backup, TUESDAY + HOUR, confirmed=True)
    assert done.kept
    assert read_copy(done.kept).facts["name"] == "Test"


def test_a_backup_of_another_publication_is_refused(here: Place) -> None:
    backup = here.back_up(TUESDAY)
    toml = here.folder / "newsletter.toml"
    toml.write_text(toml.read_text().replace("https://test.example", "https://other.example"))
    with pytest.raises(SafetyError, match="the backup is of Test"):
        restore(here.publication, backup, TUESDAY + HOUR, confirmed=False)


def test_a_scheduler_at_work_is_not_robbed_of_its_ledger(place: Place) -> None:
    backup = place.back_up(TUESDAY)
    with place.store() as store, store.transaction() as connection:
        connection.execute(update(leases).values(owner="elsewhere/b/n/1/2/ab", until=TUESDAY + HOUR + MINUTE))
    with pytest.raises(SafetyError, match="a scheduler is at work on elsewhere"):
        restore(place.publication, backup, TUESDAY + HOUR, confirmed=True)
    restore(place.publication, backup, TUESDAY + 2 * HOUR, confirmed=True)


def test_a_damaged_database_is_put_aside_if_that_is_said(here: Place) -> None:
    backup = here.back_up(TUESDAY)
    state = here.folder / ".newsletter"
    (state / "newsletter.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(SafetyError, match="cannot be read"):
        restore(here.publication, backup, TUESDAY + HOUR, confirmed=False)
    assert restore(here.publication, backup, TUESDAY + HOUR, confirmed=True).kept is None
    assert (state / "newsletter.db.aside").exists()
    with here.store() as store, store.reading() as connection:
        assert len(connection.execute(select(subscribers.c.id)).all()) == READERS


def test_an_older_program_restores_what_it_knows_over_what_it_does_not(here: Place) -> None:
    backup = here.back_up(TUESDAY)
    with here.store() as store, store.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SafetyError, match="a newer one wrote it"):
        restore(here.publication, backup, TUESDAY + HOUR, confirmed=False)
    restore(here.publication, backup, TUESDAY + HOUR, confirmed=True)
    with here.store() as store, store.reading() as connection:
        assert switch.is_stopped(connection)


def test_a_backup_is_consistent_while_others_write(here: Place) -> None:
    """A row and its twin are always written together: a backup that has one without the other is torn."""
    from threading import Event, Thread

    stop = Event()

    def write() -> None:
        with here.store() as store:
            number = 0
            while not stop.is_set():
                with store.transaction(durable=False) as connection:
                    for word in ("a", "b"):
                        record(connection, number, word, "", TUESDAY)
                number += 1

    writer = Thread(target=write)
    writer.start()
    try:
        files = [here.back_up(TUESDAY + n * MINUTE) for n in range(5)]
    finally:
        stop.set()
        writer.join()
    for file in files:
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT count(*) % 2 FROM consents").fetchone() == (0,)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_scheduler_takes_a_backup_a_night_and_keeps_the_newest(here: Place) -> None:
    here.configure(keep=3)
    folder = folder_of(here.publication)
    with here.store() as store:
        for hours in range(0, 24 * 5, 3):
            assert nightly(here.publication, store, TUESDAY + hours * HOUR) is None
    taken = [backup.taken_at for backup in backups_in(folder)]
    assert taken == [TUESDAY + timedelta(days=day, hours=-6) for day in (5, 4, 3)]  # at 03:00 in Berlin
    assert len(list(folder.iterdir())) == 6  # each with its checksum


def test_a_nightly_backup_that_fails_is_a_notice_and_the_passes_go_on(here: Place) -> None:
    here.configure(keep=3)
    here.write("word-1")
    folder_of(here.publication).write_text("in the way", encoding="utf-8")
    here.look(TUESDAY)
    assert here.got("word-1").total() == READERS
    assert [line for line in here.said if "backup" in line] == ["the nightly backup could not be taken"]
    with here.store() as store:
        failed = nightly(here.publication, store, TUESDAY)
    assert failed
    assert "cannot be written" in failed.text


def test_who_asks_for_no_backups_gets_none(here: Place) -> None:
    here.look(TUESDAY)
    assert not folder_of(here.publication).exists()


def test_the_first_word_on_an_issue_in_doubt_is_a_release(here: Place) -> None:
    here.write("word-1")
    backup = here.back_up(TUESDAY - HOUR)
    restore(here.publication, backup, TUESDAY, confirmed=True)
    with here.store() as store:
        with store.transaction() as connection:
            queue.remove(connection, "word-1")
        desk = open_desk(here.publication)
        approve(desk, store, desk.find("word-1"), TUESDAY)
        with store.transaction() as connection:
            assert [issue.held for issue in queue.approved(connection)] == [True]
            queue.hold(connection, "word-1", held=False)
            queue.remove(connection, "word-1")
        approve(desk, store, desk.find("word-1"), TUESDAY)
        with store.transaction() as connection:
            assert [issue.held for issue in queue.approved(connection)] == [False]
