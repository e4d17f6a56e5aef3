"""What `scheduler once` and `scheduler run` do: passes over one publication, a line for each decision."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import UTC, datetime

from newsletter.cli.opening import tracer_of
from newsletter.cli.output import Output
from newsletter.cli.stopping import stop_on_signals
from newsletter.clock import Clock
from newsletter.delivery.job import Progress
from newsletter.errors import INTERRUPTED, NewsletterError
from newsletter.pipeline.metrics import metrics_text
from newsletter.pipeline.overview import until
from newsletter.pipeline.providers import open_provider
from newsletter.pipeline.sending import worklist_of
from newsletter.pipeline.watching import Look, Watch
from newsletter.publication import Publication
from newsletter.schedule.health import Health, serving
from newsletter.schedule.jumps import Jumps
from newsletter.schedule.process import run_every_minute
from newsletter.store.database import open_store


def one_pass(out: Output, publication: Publication, clock: Clock, late: str = "") -> None:
    """One pass at the clock's time; raises the first error of sending, after the pass has done what it can."""
    store = open_store(publication.config.storage.database_url, publication.state)
    try:
        with open_provider(publication) as opened, stop_on_signals(out.say) as stop, tracer_of(out) as tracer:
            watch = Watch(
                publication,
                store,
                opened.provider,
                clock,
                wants_stop=stop.wanted,
                late=late,
                fallback=opened.fallback,
                worklist=worklist_of(publication, store),
                tracer=tracer,
            )
            _listen(out, watch)
            try:
                look = watch.look()
            finally:
                watch.close()
    finally:
        store.close()
    if opened.notice and look.sent:
        out.warn(opened.notice)
    if look.report.errors:
        error = look.report.errors[0]
        if stop.interrupted:
            error.exit_code = INTERRUPTED
        raise error
    out.result(_as_json(look), _ending(look, clock))


def run_scheduler(out: Output, publication: Publication, health_port: int = 0) -> None:
    """Passes at every full minute, until a signal; an error of one pass is told, and the next pass tries again."""
    last, health = [""], Health()
    store = open_store(publication.config.storage.database_url, publication.state)

    def numbers() -> str:
        return metrics_text(publication, store, datetime.now(UTC))

    try:
        with (
            open_provider(publication) as opened,
            stop_on_signals(out.say) as stop,
            tracer_of(out) as tracer,
            serving(health, health_port, numbers) if health_port else nullcontext(),
        ):
            if opened.notice:
                out.warn(opened.notice)
            worklist = worklist_of(publication, store)
            watch = Watch(
                publication,
                store,
                opened.provider,
                wants_stop=stop.wanted,
                jumps=Jumps(),
                fallback=opened.fallback,
                worklist=worklist,
                tracer=tracer,
            )
            _listen(out, watch)

            def run_once() -> None:
                health.begin()
                line, trouble = "", ""
                try:
                    look = watch.look()
                    line = waiting(look)
                    watch.note(line)
                except NewsletterError as error:
                    line = trouble = f"{error.message} ({error.hint})" if error.hint else error.message
                finally:
                    health.end(line, trouble)
                if line != last[0]:  # the same line each minute would bury the others
                    last[0] = line
                    _log(out, watch, line)

            try:
                run_every_minute(run_once, stop.event)
            finally:
                with suppress(NewsletterError):
                    watch.close()
    finally:
        store.close()
    out.exit_code = INTERRUPTED if stop.interrupted else 0


def waiting(look: Look) -> str:
    """What the scheduler waits for now."""
    if look.held:
        return look.held
    if look.other:
        return f"standing by: another scheduler is at work, on {look.other}"
    if look.report.asking:
        return (
            f"the slot of {look.report.asking} is late and waits for your word: newsletter scheduler once --late send"
        )
    what = f'with "{look.slug}"' if look.slug else "and nothing is queued for it: newsletter approve ISSUE"
    return f"waiting for the slot of {look.report.next} {what}"


def _listen(out: Output, watch: Watch) -> None:
    """Let the watch's decisions be lines of the log."""
    standing_by = "another scheduler is at work"

    def say(line: str) -> None:
        if not line.startswith(standing_by):  # what it waits for says it too, and once
            _log(out, watch, line)

    def progress(step: Progress) -> None:
        if step.waiting:
            _log(out, watch, f"batch {step.batch}: {step.waiting}")

    watch.say, watch.progress = say, progress


def _log(out: Output, watch: Watch, line: str) -> None:
    """One decision, with the publication's wall time."""
    now = watch.clock.now()
    local = now.astimezone(watch.publication.config.schedule.zone)
    told = f"{local:%Y-%m-%d %H:%M:%S %Z}  {line}"
    out.event("scheduler", {"at": now.isoformat(), "line": line}, told, line)


def _ending(look: Look, clock: Clock) -> list[str]:
    if look.other:
        return [f"another scheduler is at work, on {look.other}: nothing to do here"]
    if look.report.asking:
        return [waiting(look)]
    distance = until(look.report.next.starts_at - clock.now())
    nothing = [] if look.report.lines else ["no slot is due"]
    return [*nothing, f"next slot: {look.report.next}, {distance}"]


def _as_json(look: Look) -> dict[str, object]:
    openings = [
        {
            "slot": opening.slot.wall_time,
            "timezone": opening.slot.timezone,
            "state": opening.state,
            "slug": opening.slug,
        }
        for opening in look.report.openings
    ]
    return {
        "openings": openings,
        "lines": list(look.report.lines),
        "broadcasts": [broadcast.as_json() for broadcast in look.sent],
        "next_slot": look.report.next.wall_time,
        "asking": look.report.asking.wall_time if look.report.asking else None,
    }
