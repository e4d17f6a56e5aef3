"""What `scheduler once` and `scheduler run` do: passes over one publication, a line for each decision."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.cli.output import Output
from newsletter.cli.stopping import Stop, stop_on_signals
from newsletter.clock import Clock, SystemClock
from newsletter.delivery.job import Progress
from newsletter.delivery.protocol import Provider
from newsletter.delivery.report import Report
from newsletter.errors import NewsletterError
from newsletter.pipeline.desk import open_desk
from newsletter.pipeline.overview import until
from newsletter.pipeline.providers import open_provider
from newsletter.pipeline.sending import Sending
from newsletter.publication import Publication
from newsletter.schedule.passes import Passes, PassReport
from newsletter.schedule.process import run_every_minute
from newsletter.schedule.queue import approved, in_turn
from newsletter.store.database import Store, open_store

INTERRUPTED = 130


def one_pass(out: Output, publication: Publication, clock: Clock) -> None:
    """One pass at the clock's time; raises the first error of sending, after the pass has done what it can."""
    store = open_store(publication.config.storage.database_url, publication.state)
    try:
        with open_provider(publication) as opened, stop_on_signals(out.say) as stop:
            watch = _Watch(out, publication, store, opened.provider, clock, stop)
            report, sent = watch.look()
    finally:
        store.close()
    if opened.notice and sent:
        out.warn(opened.notice)
    if report.errors:
        error = report.errors[0]
        if stop.interrupted:
            error.exit_code = INTERRUPTED
        raise error
    out.result(_as_json(report, sent), _ending(report, clock))


def run_scheduler(out: Output, publication: Publication) -> None:
    """Passes at every full minute, until a signal; an error of one pass is told, and the next pass tries again."""
    clock, last = SystemClock(), [""]
    store = open_store(publication.config.storage.database_url, publication.state)
    try:
        with open_provider(publication) as opened, stop_on_signals(out.say) as stop:
            if opened.notice:
                out.warn(opened.notice)
            watch = _Watch(out, publication, store, opened.provider, clock, stop)

            def run_once() -> None:
                try:
                    report, _ = watch.look()
                    line = watch.waiting(report)
                except NewsletterError as error:
                    line = f"{error.message} ({error.hint})" if error.hint else error.message
                if line != last[0]:  # the same line each minute would bury the others
                    last[0] = line
                    watch.log(line)

            run_every_minute(run_once, stop.event)
    finally:
        store.close()
    out.exit_code = INTERRUPTED if stop.interrupted else 0


@dataclass(frozen=True)
class _Watch:
    """One publication under watch: each look is a pass, with the issues read anew, since editors change them."""

    out: Output
    publication: Publication
    store: Store
    provider: Provider
    clock: Clock
    stop: Stop

    def look(self) -> tuple[PassReport, list[Report]]:
        """One pass, and the reports of what it sent."""
        sending = Sending(
            open_desk(self.publication), self.store, self.provider, self.clock, self._progress, self.stop.wanted
        )
        schedule = self.publication.config.schedule
        return Passes(
            self.store, schedule, schedule.late_window, sending, self.clock.now, self.log
        ).run(), sending.reports

    def log(self, line: str) -> None:
        """One decision, with the publication's wall time."""
        now = self.clock.now()
        local = now.astimezone(self.publication.config.schedule.zone)
        self.out.event("scheduler", {"at": now.isoformat(), "line": line}, f"{local:%Y-%m-%d %H:%M:%S %Z}  {line}")

    def waiting(self, report: PassReport) -> str:
        """What the scheduler waits for now."""
        with self.store.reading() as connection:
            queued = approved(connection)
        turn = in_turn(queued, report.next)
        what = f'with "{turn[0].slug}"' if turn else "and nothing is queued for it: newsletter approve ISSUE"
        return f"waiting for the slot of {report.next} {what}"

    def _progress(self, step: Progress) -> None:
        if step.waiting:
            self.log(f"batch {step.batch}: {step.waiting}")


def _ending(report: PassReport, clock: Clock) -> list[str]:
    distance = until(report.next.starts_at - clock.now())
    nothing = [] if report.lines else ["no slot is due"]
    return [*nothing, f"next slot: {report.next}, {distance}"]


def _as_json(report: PassReport, sent: list[Report]) -> dict[str, object]:
    openings = [
        {
            "slot": opening.slot.wall_time,
            "timezone": opening.slot.timezone,
            "state": opening.state,
            "slug": opening.slug,
        }
        for opening in report.openings
    ]
    return {
        "openings": openings,
        "lines": list(report.lines),
        "broadcasts": [broadcast.as_json() for broadcast in sent],
        "next_slot": report.next.wall_time,
    }
