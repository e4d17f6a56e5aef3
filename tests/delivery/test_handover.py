"""Batches as jobs on a real PostgreSQL: whatever becomes of the jobs, the ledger decides who gets mail, and once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.engine import URL
from test_broadcaster import JOB_MESSAGE, START, FakeClock, ScriptedProvider, plan, states
from test_turns import QUICK, Replaying, locked

from newsletter.clock import SystemClock
from newsletter.delivery import ledger, planning, switch
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.handover import BatchEnd, hand_over, is_to_be_posted, post_batch, tend
from newsletter.delivery.job import Job, Tally
from newsletter.delivery.protocol import Accepted, Blocked, Recipient, RecipientsRefused, Refused, Unknown
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.worklist import SCHEMA, JobTable, open_worklist
from newsletter.errors import ConfigError, SafetyError
from newsletter.store.database import Store, open_store
from newsletter.store.tables import editions, metadata

BRIEF = QUICK.model_copy(update={"max_attempts": 3})
JOBS = f"{SCHEMA}.procrastinate_jobs"


@dataclass
class Shop:
    """A store on PostgreSQL with its worklist; workers are made at will."""

    store: Store
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.jobs: JobTable = open_worklist(self.store)

    def boss(self, **options: object) -> Broadcaster:
        return Broadcaster(self.store, self.provider, BRIEF, SystemClock(), **options)  # type: ignore[arg-type]

    def hand_over(self, count: int = 100) -> int:
        broadcast = plan(self.store, count)
        hand_over(self.boss(), broadcast, self.jobs)
        return broadcast

    def post(self, broadcast: int, number: int, **options: object) -> BatchEnd:
        job = Job("d", self.provider.prepare(JOB_MESSAGE), lambda reader: {"name": reader.name})
        return post_batch(self.boss(**options), broadcast, number, job, self.tally)

    def report(self, broadcast: int) -> Report:
        with self.store.reading() as connection:
            return report_of(connection, broadcast)

    def waiting(self, broadcast: int) -> list[int]:
        with self.store.reading() as connection:
            return sorted(self.jobs.waiting(connection, broadcast))

    def sql(self, statement: str) -> None:
        with self.store.transaction() as connection:
            connection.execute(text(f"SET LOCAL search_path = {SCHEMA}, public"))
            connection.execute(text(statement))


@pytest.fixture(scope="module")
def database(postgres: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all tests here: to make one takes longer than each of them."""
    name, admin = f"handover_{uuid4().hex}", create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = postgres.set(database=name).render_as_string(hide_password=False)
    store = open_store(url, tmp_path_factory.mktemp("state"))
    yield store
    store.close()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def shop(database: Store) -> Iterator[Shop]:
    yield Shop(database)
    names = [table.name for table in metadata.sorted_tables]
    jobs = f", {SCHEMA}.procrastinate_jobs, {SCHEMA}.procrastinate_workers"
    with database.transaction() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(names)}{jobs} RESTART IDENTITY CASCADE"))


def test_the_jobs_are_written_in_the_transaction_that_plans_their_batches(shop: Shop) -> None:
    broadcast = plan(shop.store, 100)
    with pytest.raises(ZeroDivisionError), shop.store.transaction() as connection:
        planning.plan_page(connection, broadcast, 10, shop.jobs.add)
        assert shop.jobs.waiting(connection, broadcast) == set(range(1, 11))
        raise ZeroDivisionError
    assert (shop.waiting(broadcast), shop.report(broadcast).batches) == ([], {})
    report = hand_over(shop.boss(), broadcast, shop.jobs)
    assert (report.state, report.batches) == ("sending", {"pending": 10})
    assert shop.waiting(broadcast) == list(range(1, 11))


def test_a_job_posts_its_batch_and_the_last_one_ends_the_broadcast(shop: Shop) -> None:
    broadcast = shop.hand_over()
    ends = [shop.post(broadcast, number) for number in range(10, 0, -1)]
    assert [(end.state, end.broadcast) for end in ends] == [("accepted", "sending")] * 9 + [("accepted", "sent")]
    assert (shop.provider.inboxes.total(), shop.report(broadcast).calls) == (96, 10)
    assert shop.post(broadcast, 3) == BatchEnd("accepted", broadcast="sent")
    assert shop.post(broadcast, 99) == BatchEnd("", broadcast="")
    assert shop.provider.calls == 10


def test_a_broadcast_to_nobody_needs_no_worker(shop: Shop) -> None:
    with shop.store.transaction() as connection:
        connection.execute(editions.insert(), {"digest": "d", "slug": "one", "content": "{}", "created_at": START})
        words = {"slug": "one", "digest": "d", "segment": "", "provider": "scripted"}
        broadcast = planning.create_broadcast(connection, **words, now=START, slot=None)  # type: ignore[arg-type]
    assert hand_over(shop.boss(), broadcast, shop.jobs).state == "sent"


@pytest.mark.parametrize("seed", [1, 2])
def test_lost_and_doubled_jobs_in_any_order_and_answers_of_all_kinds_mail_everybody_once(shop: Shop, seed: int) -> None:
    random = Random(seed)
    script = [Refused("429", too_fast=True), Unknown("reset"), RecipientsRefused({0: "no domain"}), Accepted()]
    shop.provider = Replaying(random.choices(script, k=24), taken_before_the_answer_is_lost=True)
    shop.provider.post = locked(shop.provider)  # type: ignore[method-assign]
    broadcast = shop.hand_over(200)
    orders = [random.sample(range(1, 21), 15) for _ in range(4)]

    def work(numbers: list[int]) -> None:
        for number in numbers:
            shop.post(broadcast, number)

    _at_once([lambda numbers=numbers: work(numbers) for numbers in orders])  # type: ignore[misc]
    shop.sql(f"DELETE FROM {JOBS}")
    tend(shop.boss(), shop.jobs)
    for number in shop.waiting(broadcast):
        shop.post(broadcast, number)
    report = shop.report(broadcast)
    refused = sum(report.rejected.values())
    assert (report.state, report.sent + refused) == ("sent", 192)
    assert (len(shop.provider.inboxes), shop.provider.inboxes.total()) == (report.sent, report.sent)


def test_two_workers_that_post_the_last_two_batches_do_not_leave_the_broadcast_open(shop: Shop) -> None:
    gate = threading.Barrier(2)
    shop.provider.before_call = lambda: gate.wait(timeout=20) and None
    shop.provider.post = locked_after(shop.provider)  # type: ignore[method-assign]
    broadcast = shop.hand_over(20)
    _at_once([lambda n=n: shop.post(broadcast, n) for n in (1, 2)])  # type: ignore[misc]
    assert shop.report(broadcast).state == "sent"


def test_tending_gives_a_job_to_what_has_none_and_plans_what_is_not_planned(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PAGE", 30)
    broadcast = plan(shop.store, 100)
    hand_over(shop.boss(wants_stop=lambda: shop.report(broadcast).readers >= 30), broadcast, shop.jobs)
    assert shop.report(broadcast).readers == 30
    shop.sql(f"DELETE FROM {JOBS} WHERE args->>'number' = '2'")
    assert tend(shop.boss(), shop.jobs) == ['"one": 1 batches had no job and have one now']
    assert (shop.waiting(broadcast), shop.report(broadcast).readers) == (list(range(1, 11)), 100)
    assert tend(shop.boss(), shop.jobs) == []


@pytest.mark.parametrize("honours_keys", [True, False])
def test_a_batch_of_a_dead_worker_is_repeated_only_under_a_key_that_is_honoured(shop: Shop, honours_keys: bool) -> None:
    shop.provider.honours_keys = honours_keys
    broadcast = shop.hand_over(20)
    with shop.store.transaction() as connection:
        dead = {"owner": "elsewhere", "lease_until": START}
        assert ledger.claim_batch(connection, broadcast, **dead, number=1)  # type: ignore[arg-type]
        assert is_to_be_posted(shop.boss(), connection, broadcast, 1) is None
    assert "left batch 1 in doubt" in tend(shop.boss(), shop.jobs)[0]
    with shop.store.reading() as connection:
        assert is_to_be_posted(shop.boss(), connection, broadcast, 1) is honours_keys
    assert shop.post(broadcast, 1).state == ("accepted" if honours_keys else "unknown")
    assert shop.post(broadcast, 2).broadcast == ("sent" if honours_keys else "paused")
    assert states(shop.store)["accepted"] == (20 if honours_keys else 10)
    assert honours_keys or "interrupted" in shop.report(broadcast).reason


def test_the_switch_pauses_and_its_end_brings_the_jobs_back(shop: Shop) -> None:
    broadcast = shop.hand_over()
    with shop.store.transaction() as connection:
        switch.stop(connection, "wrong link", START)
    assert shop.post(broadcast, 1).broadcast == "paused"
    shop.sql(f"DELETE FROM {JOBS}")  # the jobs of a paused broadcast end without doing anything
    assert tend(shop.boss(), shop.jobs) == []
    assert shop.provider.calls == 0
    with shop.store.transaction() as connection:
        switch.resume(connection)
    tend(shop.boss(), shop.jobs)
    assert shop.waiting(broadcast) == list(range(1, 11))
    assert shop.post(broadcast, 1).state == "accepted"


def test_what_needs_a_person_pauses_the_broadcast_for_all_workers(shop: Shop) -> None:
    shop.provider.script = [Blocked("401: the key", "check the key")]
    broadcast = shop.hand_over()
    assert shop.post(broadcast, 1) == BatchEnd(
        "pending", "401: the key", Blocked("401: the key", "check the key"), "paused"
    )
    assert shop.post(broadcast, 2) == BatchEnd("pending", broadcast="paused")
    assert (shop.report(broadcast).reason, shop.provider.calls) == ("401: the key", 1)
    hand_over(shop.boss(), broadcast, shop.jobs)
    assert shop.post(broadcast, 2).state == "accepted"


def test_a_refusal_for_now_leaves_the_batch_free_and_says_why(shop: Shop) -> None:
    shop.provider.script = [Refused("down")] * 3
    broadcast = shop.hand_over()
    end = shop.post(broadcast, 1)
    assert (end.state, end.trouble, end.broadcast) == ("pending", Refused("down"), "sending")
    assert (shop.report(broadcast).reason, shop.post(broadcast, 1).state) == ("down", "accepted")


def test_three_doubts_of_one_worker_pause_the_broadcast(shop: Shop) -> None:
    shop.provider.script, shop.provider.honours_keys = [Unknown("reset")] * 9, False
    broadcast = shop.hand_over()
    ends = [shop.post(broadcast, number) for number in range(1, 5)]
    assert [(end.state, end.broadcast) for end in ends] == [
        *[("unknown", "sending")] * 2, ("unknown", "paused"), ("pending", "paused"),
    ]  # fmt: skip


def test_too_many_refused_readers_pause_it_although_each_batch_has_few(shop: Shop) -> None:
    shop.provider.script = [RecipientsRefused(dict.fromkeys(range(5), "no domain")), Accepted()] * 5
    broadcast = shop.hand_over()
    ends = [shop.post(broadcast, number).broadcast for number in range(1, 6)]
    assert ends == ["sending"] * 3 + ["paused"] * 2
    assert "the provider refused 20 of" in shop.report(broadcast).reason


def test_a_wish_to_stop_before_the_call_leaves_the_batch_to_others(shop: Shop) -> None:
    broadcast = shop.hand_over()
    end = shop.post(broadcast, 1, wants_stop=lambda: True)
    assert (end.state, end.broadcast, shop.provider.calls) == ("pending", "sending", 0)


def test_workers_share_the_rate(shop: Shop) -> None:
    broadcast, clock = shop.hand_over(200), FakeClock()
    job = Job("d", shop.provider.prepare(JOB_MESSAGE), lambda reader: {})
    settings = QUICK.model_copy(update={"requests_per_second": 10.0})
    for number in range(1, 21):
        post_batch(Broadcaster(shop.store, shop.provider, settings, clock), broadcast, number, job, Tally())
    assert 1.9 < clock.slept < 2.1  # twenty calls, a little under ten a second: no moment is lost between two jobs


def test_the_tables_of_another_version_are_made_anew_when_no_worker_is_alive(shop: Shop) -> None:
    broadcast = shop.hand_over()
    shop.sql(f"COMMENT ON SCHEMA {SCHEMA} IS 'older'")
    shop.sql(f"INSERT INTO {SCHEMA}.procrastinate_workers DEFAULT VALUES")
    with pytest.raises(SafetyError, match="1 workers with another version"):
        open_worklist(shop.store)
    shop.sql(f"UPDATE {SCHEMA}.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    open_worklist(shop.store)
    assert shop.waiting(broadcast) == []
    tend(shop.boss(), shop.jobs)
    assert shop.waiting(broadcast) == list(range(1, 11))


def test_sqlite_has_no_workers(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    with pytest.raises(ConfigError, match="workers need PostgreSQL"):
        open_worklist(store)
    store.close()


def test_what_others_keep_in_the_database_stays_as_it_was(shop: Shop) -> None:
    def look(connection: Connection) -> tuple[str, set[str]]:
        path = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
        tables = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return path, set(connection.execute(tables).scalars())

    with shop.store.transaction() as connection:
        path, tables = look(connection)
        shop.jobs.add(connection, 7, [1, 2])
        assert look(connection)[0] == path
        assert not any(table.startswith("procrastinate") for table in tables)
        assert connection.execute(select(1)).scalar() == 1


def locked_after(provider: ScriptedProvider) -> object:
    """Two calls are under way at once, and the provider's own record is written by one at a time."""
    lock = threading.Lock()

    def call(recipients: list[Recipient], key: str) -> object:
        provider.before_call()
        with lock:
            provider.calls += 1
            provider._take([recipient.email for recipient in recipients], key)
            return Accepted(f"ref-{provider.calls}")

    return call


def _at_once(acts: list[Callable[[], object]]) -> None:
    failed: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
