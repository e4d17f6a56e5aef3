"""The whole way of one issue on sample data: what `newsletter demo` does, station by station."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from newsletter.audience.files import read_list
from newsletter.audience.importing import import_entries
from newsletter.clock import SystemClock
from newsletter.delivery.job import Progress
from newsletter.delivery.report import Report
from newsletter.errors import NewsletterError, UsageError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.building import files_of, write_folder
from newsletter.pipeline.desk import Desk, errors_of, open_desk
from newsletter.pipeline.selection import select_issue
from newsletter.pipeline.sending import Sending
from newsletter.providers.autosend import AutoSend
from newsletter.publication import Publication, builtin, find_publication
from newsletter.samples.subscribers import write_csv
from newsletter.schedule.passes import Passes, rules_of
from newsletter.schedule.slots import Slot, next_slot
from newsletter.simulator import Simulator, SimulatorOptions
from newsletter.store.database import Store, open_store

SUBSCRIBERS = 1000
_KEY = "AS_demo"
_PARTS = ("newsletter.toml", "glossary.toml", "issues", "templates")


@dataclass
class Told:
    """What the demo did, for the summary and for `--json`."""

    folder: Path
    page: str = ""
    slot: Slot | None = None
    subject: str = ""
    report: Report | None = None
    seconds: float = 0.0
    html: Path = field(default_factory=Path)
    text: Path = field(default_factory=Path)


@contextmanager
def sample_publication(keep: Path | None) -> Iterator[Publication]:
    """A copy of the sample publication in `keep`, or in a temporary folder that stays for a look after the end.

    Raises UsageError where `keep` holds something already.
    """
    if keep and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep}: there is something here already", "name a folder that is new or empty")
    folder = keep or Path(tempfile.mkdtemp(prefix="newsletter-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in _PARTS:
            source = builtin(part)
            if source.is_dir():
                shutil.copytree(source, folder / part)
            else:
                shutil.copy(source, folder / part)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # new or empty before, so all in it is ours
        reason = error.strerror or error.args[0][0][2]  # shutil.Error holds one (from, to, why) a file
        raise NewsletterError(f"{folder}: cannot be written: {reason}", "name a place with room: --keep DIR") from None
    try:
        yield find_publication(folder, folder)
    except BaseException:
        if not keep:  # half a demo is nothing to look at
            shutil.rmtree(folder, ignore_errors=True)
        raise


def simulator_for(publication: Publication) -> Simulator:
    """The simulator as AutoSend's free-standing double: its key, its rate limit, its mailbox on disk."""
    rate = publication.config.delivery.requests_per_second
    return Simulator(SimulatorOptions(publication.state / "simulator", api_key=_KEY, rate=rate))


@dataclass
class Demo:
    """The main job on `publication`, with mails that go to `simulator`; `say` gets each station's name and line."""

    publication: Publication
    simulator: Simulator
    say: Callable[[str, str], None]
    progress: Callable[[Progress], None]

    def run(self) -> Told:
        """Import, check, approve, open the slot, send, read back; raises NewsletterError where that went wrong."""
        told = Told(self.publication.folder, page=self.simulator.page)
        store = open_store("", self.publication.state)
        try:
            self._import(store)
            desk = open_desk(self.publication)
            self._check(desk)
            approval = approve(desk, store, select_issue(desk, store, "next"), datetime.now(UTC), by="demo")
            told.subject = approval.edition.subject
            self.say("approve", f'"{approval.edition.slug}" is frozen ({approval.edition.digest[:12]}) and queued')
            self._send(desk, store, told)
        finally:
            store.close()
        self._read_back(told)
        first = self.simulator.mailbox.email(0)
        folder = self.publication.folder / "sent"
        write_folder(folder, {"email.html": first["html"].encode(), "email.txt": first["text"].encode()})
        told.html, told.text = folder / "email.html", folder / "email.txt"
        return told

    def _import(self, store: Store) -> None:
        path = self.publication.folder / "subscribers.csv"
        write_csv(path, SUBSCRIBERS)
        with store.transaction() as connection:
            report = import_entries(connection, read_list(path), source="sample list", now=datetime.now(UTC))
        states = ", ".join(f"{count} {state}" for state, count in report.states.most_common())
        self.say("import", f"{SUBSCRIBERS} sample subscribers: {states}")
        for reject in report.rejects:
            self.say("", f"{path.name}:{reject.line} left out: {reject.reason}")

    def _check(self, desk: Desk) -> None:
        now = datetime.now(UTC)
        for issue in desk.folder.issues:
            edition = desk.render(issue)
            findings = desk.check(issue, edition, now)
            counts = Counter(finding.severity.value for finding in findings)
            listed = ", ".join(f"{count} {level}" for level, count in sorted(counts.items())) or "nothing found"
            self.say("check", f"{issue.file}: {len(edition.html.encode()) / 1024:.0f} KB of HTML, {listed}")
            for finding in errors_of(findings):
                self.say("", f"{finding.place}: {finding.message}")
            files = files_of(edition, desk.site.base_url, now)
            write_folder(self.publication.folder / "build" / issue.slug, files)

    def _send(self, desk: Desk, store: Store, told: Told) -> None:
        schedule = self.publication.config.schedule
        told.slot = next_slot(schedule, datetime.now(UTC))
        clock = SystemClock.starting_at(told.slot.starts_at)
        self.say("slot", f"{told.slot}; the clock is set forward to it for this demo")
        sending = Sending(desk, store, AutoSend(self.simulator.url, _KEY, honours_keys=True), clock, self.progress)
        started = time.monotonic()
        rules = rules_of(schedule)
        report = Passes(store, schedule, rules, sending, clock.now, lambda line: self.say("send", line)).run()
        told.seconds = time.monotonic() - started
        if report.errors:
            raise report.errors[0]
        told.report = sending.reports[0]

    def _read_back(self, told: Told) -> None:
        """Hold the ledger against what the provider has."""
        with self.simulator.mailbox.path.open(encoding="utf-8") as file:
            inboxes = Counter(json.loads(line)["to"]["email"] for line in file)
        sent, twice = told.report.sent if told.report else 0, sum(1 for count in inboxes.values() if count > 1)
        if sent != inboxes.total() or twice:
            raise NewsletterError(f"the ledger says {sent} sent, the simulator has {inboxes.total()}", "this is a bug")
        self.say("ledger", f"{sent} sent = {inboxes.total()} received by the simulator, no address twice")
