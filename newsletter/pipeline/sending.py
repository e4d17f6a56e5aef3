"""From an approved edition to a finished broadcast: plan it, post it, go on with it, try it out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from newsletter.audience.tokens import Signer, note_mark, open_signer
from newsletter.clock import Clock
from newsletter.content.issue import Issue
from newsletter.content.reader import read_issue
from newsletter.delivery import ledger, switch, trials, waves
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.handover import hand_over
from newsletter.delivery.job import Job, Progress
from newsletter.delivery.ledger import Reader
from newsletter.delivery.planning import create_broadcast
from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Message,
    Outcome,
    Provider,
    Recipient,
    RecipientsRefused,
)
from newsletter.delivery.related import count_readers
from newsletter.delivery.report import Report, find_broadcast, report_of
from newsletter.delivery.states import BatchState, BroadcastState
from newsletter.delivery.worklist import JobTable, open_worklist
from newsletter.errors import ConfigError, NewsletterError, ProviderError, SafetyError, UsageError
from newsletter.logs import about
from newsletter.pipeline.desk import Desk
from newsletter.pipeline.repeating import again, best
from newsletter.publication import Publication
from newsletter.render import personal
from newsletter.render.edition import Edition
from newsletter.render.measuring import CLICK, OPEN
from newsletter.render.merge import reader_fields
from newsletter.schedule.passes import Due
from newsletter.schedule.queue import Approved, read_edition, remove
from newsletter.schedule.slots import Slot
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts, slots
from newsletter.tracing import Tracer, Untraced

_INSTANT = timedelta.resolution


@dataclass
class Sending:
    """Sends the editions of one publication through one provider; what `schedule.passes` calls a Sender."""

    desk: Desk
    store: Store
    provider: Provider
    clock: Clock
    progress: Callable[[Progress], None] = lambda _: None
    wants_stop: Callable[[], bool] = lambda: False
    pauses: bool = False  # whether what `wants_stop` stopped waits for a person
    fallback: Provider | None = None  # takes what the provider refused
    worklist: JobTable | None = None  # where workers find what they post; without one it is posted here
    reports: list[Report] = field(default_factory=list)
    tracer: Tracer = field(default_factory=Untraced)

    def objection(self, issue: Approved) -> str:
        """Why the approved issue must not be sent as it is; empty where it may."""
        return objection(self.desk, issue)

    def plan(self, connection: Connection, issue: Approved, slot_id: int | None) -> int:
        """Write down the broadcast of an approved issue on the caller's transaction; its id.

        Raises SafetyError while the kill switch is set: a slot is then not opened either, and may be late.
        """
        if halted := switch.stopped(connection):
            raise SafetyError(
                f'"{issue.slug}" is not sent: stopped by hand since {halted.since:%Y-%m-%d %H:%M} UTC',
                "newsletter resume",
            )
        schedule, wall = self.desk.publication.config.schedule, ""
        subjects = Edition.from_json(read_edition(connection, issue.digest)).subjects
        if schedule.local and slot_id is not None and not subjects:  # a test has one time to answer
            wall = connection.execute(select(slots.c.wall_time).where(slots.c.id == slot_id)).scalar_one()
        broadcast_id = create_broadcast(
            connection,
            slug=issue.slug,
            digest=issue.digest,
            segment=issue.segment,
            relation=issue.relation,
            related_to=issue.related_to,
            keeps_fields=personal.keeps_fields(Edition.from_json(read_edition(connection, issue.digest))),
            provider=self.provider.name,
            now=self.clock.now(),
            slot=slot_id,
            wall_time=wall,
            timezone=schedule.timezone if wall else "",
        )
        if subjects:
            trials.begin(connection, broadcast_id, subjects, self._terms())
        return broadcast_id

    def _terms(self) -> trials.Terms:
        ab, aside = self.desk.publication.config.ab, f"{self.desk.site.base_url}/unsubscribe/"
        return trials.Terms(trials.Rule(ab.rule), ab.share, ab.wait, ab.margin, aside)

    def plan_now(self, issue: Approved) -> int:
        """Write down the broadcast of an issue outside of any slot; its id."""
        with self.store.transaction() as connection:
            broadcast_id = self.plan(connection, issue, None)
            remove(connection, issue.slug)
        return broadcast_id

    def unfinished(self, connection: Connection) -> list[int]:
        """The broadcasts that were begun and neither ended nor paused, nor wait for wave or subject; oldest first.

        Where there are workers, only those that are not wholly planned: the rest is theirs.
        """
        states = [BroadcastState.PLANNED, BroadcastState.SENDING]
        query = select(broadcasts.c.id).where(broadcasts.c.state.in_(states)).order_by(broadcasts.c.id)
        if self.worklist:
            query = query.where(broadcasts.c.planned_through < broadcasts.c.audience_through)
        testing = trials.waiting(connection, self.clock.now())
        found = connection.execute(query).scalars().all()
        return [number for number in found if number not in testing and not waves.rests(connection, number)]

    def filler(self, connection: Connection, slot: Slot) -> tuple[Approved, str] | None:
        """The best-liked issue for who did not get it, where `[schedule] empty_slot` wants that."""
        if self.desk.publication.config.schedule.empty_slot != "repeat-best" or switch.is_stopped(connection):
            return None
        found = best(connection, self.clock.now())
        if found is None:
            return None
        return again(connection, found, slot, self.clock.now()), f"no issue is queued, so the slot repeats {found}"

    def waves_due(self, connection: Connection) -> list[Due]:
        """The waves that should begin now; none while the kill switch is set, after which they may be late."""
        return [] if switch.is_stopped(connection) else waves.due(connection, self.clock.now())

    def begin_wave(self, connection: Connection, wave: Due, *, missed: bool) -> None:
        """Let a wave be posted, or give it up."""
        if missed:
            waves.miss(connection, wave.broadcast_id, wave.slot.starts_at, self.clock.now())
        else:
            waves.begin(connection, wave.broadcast_id, wave.slot.starts_at, after=wave.slot.starts_at - _INSTANT)

    def send(self, broadcast_id: int) -> str:
        """Post a broadcast to its end; a sentence on what became of it. Raises NewsletterError where it stopped."""
        return self.told(self.post(broadcast_id))

    def told(self, report: Report) -> str:
        """A report in one sentence, for whoever sent it."""
        if self.worklist is None or report.state != BroadcastState.SENDING:
            return summary(report)
        with self.store.reading() as connection:
            workers = self.worklist.workers(connection)
        return handed_over(report) + ("" if workers else "; none is at work yet: newsletter worker")

    def post(self, broadcast_id: int) -> Report:
        """Post a broadcast to its end and report; raises NewsletterError where it stopped before.

        Where there are workers it is only planned, and the report says how it stands then.
        """
        if self.worklist:
            with self.store.transaction() as connection:
                note_mark(connection, self._signer())
            report = hand_over(self.broadcaster(), broadcast_id, self.worklist)
        else:
            edition = self._edition_of(broadcast_id)
            with about(broadcast=broadcast_id, issue=edition.slug):
                report = self.broadcaster().run(broadcast_id, self.job_of(broadcast_id))
        self.reports.append(report)
        return report

    def job_of(self, broadcast_id: int) -> Job:
        """What a broadcast posts: the stored edition, as the provider took it."""
        edition = self._edition_of(broadcast_id)
        messages = [message_of(variant) for variant in edition.variants]
        first, *others = map(self.provider.prepare, messages)
        fallbacks = tuple(map(self.fallback.prepare, messages)) if self.fallback else ()
        values = values_of(edition, self._signer(), self.desk, broadcast_id)
        return Job(edition.digest, first, values, tuple(others), fallbacks)

    def broadcaster(self) -> Broadcaster:
        """Who posts, with all that the publication says of how."""
        return Broadcaster(
            store=self.store,
            provider=self.provider,
            settings=self.desk.publication.config.delivery,
            clock=self.clock,
            progress=self.progress,
            wants_stop=self.wants_stop,
            pauses=self.pauses,
            fallback=self.fallback,
            tracer=self.tracer,
        )

    def resume(self, slug: str, unknown: str = "") -> Report:
        """Go on with an issue's broadcast; `unknown` is a person's word (`repeat`, `skip`) on batches in doubt."""
        with self.store.transaction() as connection:
            broadcast_id = find_broadcast(connection, slug)
            if broadcast_id is None:
                raise UsageError(f'"{slug}" has no broadcast to go on with', "see: newsletter status")
            report = report_of(connection, broadcast_id)
            if report.state == BroadcastState.SENT:
                return report
            if unknown:
                ledger.settle_the_abandoned(connection, broadcast_id, self.clock.now())
                ledger.decide_unknown(connection, broadcast_id, repeat=unknown == "repeat", now=self.clock.now())
            waves.begin(connection, broadcast_id, self.clock.now())  # late or not: a person wants it
        return self.post(broadcast_id)

    def test(self, edition: Edition, addresses: Sequence[str]) -> None:
        """Send an edition to a few addresses, under each of its subjects and marked as a test; the store has no trace.

        Raises ProviderError where the provider did not take it for now, ConfigError where it never will.
        """
        for variant in edition.variants:
            self._test(replace(variant, subject=f"[Test] {variant.subject}"), addresses)

    def _test(self, edition: Edition, addresses: Sequence[str]) -> None:
        message = message_of(edition)
        link = f"{self.desk.site.base_url}/unsubscribe/test"
        recipients = [
            Recipient(address, "", personal.values_for(edition, reader_fields("", address, link)))
            for address in addresses
        ]
        outcome: Outcome = self.provider.prepare(message)(recipients, f"test-{secrets.token_hex(12)}")
        if isinstance(outcome, Blocked):
            raise ConfigError(f"the test was not sent: {outcome.reason}", outcome.hint)
        if isinstance(outcome, RecipientsRefused):
            raise UsageError(f"the test was not sent: {next(iter(outcome.reasons.values()))}", "check the address")
        if not isinstance(outcome, Accepted):
            raise ProviderError(f"the test was not sent: {outcome.reason}", "try it again later")

    def _edition_of(self, broadcast_id: int) -> Edition:
        with self.store.reading() as connection:
            digest = connection.execute(select(broadcasts.c.digest).where(broadcasts.c.id == broadcast_id)).scalar_one()
            return Edition.from_json(read_edition(connection, digest))

    def _signer(self) -> Signer:
        return open_signer(self.desk.publication.state)


def worklist_of(publication: Publication, store: Store) -> JobTable | None:
    """Where workers find their batches; None where `[delivery] workers` is off. Raises ConfigError."""
    return open_worklist(store) if publication.config.delivery.workers else None


def objection(desk: Desk, issue: Approved) -> str:
    """Why the approved issue must not be sent as it is: its file changed or is gone. Empty where it may."""
    try:
        found = next((i for i in desk.folder.issues if i.slug == issue.slug), None)
        if found is None and (broken := desk.error_of(issue.slug)):
            raise broken
        source = read_issue(found.path).source_digest if found else ""
    except NewsletterError as error:
        return f"its file can no longer be read: {error.message}"
    if not source:
        return f"its file is no longer in issues/: newsletter unapprove {issue.slug}"
    if source != issue.source_digest:
        seen = f"approved {issue.source_digest[:8]}, now {source[:8]}"
        return f"its file changed since ({seen}); approve it again: newsletter approve {issue.slug}"
    return ""


def confirm(connection: Connection, issue: Issue, typed: str) -> int:
    """How many readers would be mailed, if `typed` is `SLUG:COUNT` with just that number; else SafetyError."""
    slug, segment = issue.slug, issue.segment
    if find_broadcast(connection, slug) is not None:
        raise SafetyError(f'the issue "{slug}" has its broadcast already', "see: newsletter status")
    count, _ = count_readers(connection, segment, *issue.relation)
    if not count:  # an issue has one broadcast, which must not be lost on nobody
        whom = f' in the segment "{segment}"' if segment else ""
        raise SafetyError(f'"{slug}" would go to nobody: no active reader{whom}', "newsletter subscribers import FILE")
    if typed != f"{slug}:{count}":
        found = f'found "{typed}"' if typed else "it is missing"
        raise SafetyError(
            f"sending now needs the confirmation {slug}:{count} ({count} readers); {found}",
            f"newsletter send {slug} --now --confirm {slug}:{count}",
        )
    return count


def message_of(edition: Edition) -> Message:
    """The part of an edition that all its readers have in common."""
    return Message(
        sender=edition.sender,
        subject=edition.subject,
        html=edition.html,
        text=edition.text,
        reply_to=edition.reply_to,
        headers=dict(edition.headers),
        carried=edition.carried,
    )


def values_of(
    edition: Edition, signer: Signer, desk: Desk, broadcast_id: int = 0
) -> Callable[[Reader], Mapping[str, str]]:
    """What the edition's variables are for a reader; nothing measures one who objects, nor what is no broadcast."""
    base, values_of = desk.site.base_url, personal.values_of(edition)
    measures = bool(broadcast_id and {CLICK, OPEN} & edition.variables.keys())

    def values(reader: Reader) -> Mapping[str, str]:
        link = f"{base}/unsubscribe/{signer.unsubscribe_token(reader.subscriber_id)}"
        fields = reader_fields(reader.name, reader.email, link, tags=reader.tags, own=reader.fields)
        if measures and reader.measured:
            token = signer.measuring_token(broadcast_id, reader.subscriber_id)
            fields |= {CLICK: f"{base}/c/{token}?", OPEN: f"{base}/o/{token}.gif"}
        return values_of(fields)

    return values


def summary(report: Report) -> str:
    """A report in one sentence: `"slug" went to 951 readers in 10 batches; 49 skipped (20 bounced, …)`."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
    skipped = f"; {sum(report.skipped.values())} skipped ({reasons})" if reasons else ""
    refused = f"; {sum(report.rejected.values())} refused by the provider" if report.rejected else ""
    dropped = f"; {report.dropped} left out by the provider" if report.dropped else ""
    through = ", ".join(f"{count} through {name}" for name, count in report.providers.items())
    dropped += f"; {through}" if through else ""
    posting = "; another process is posting the rest" if report.state == BroadcastState.SENDING else ""
    if report.trial:
        posting = f"; {report.trial.sentence()}" + _from(report.awaits)
    batches = sum(report.batches.values())
    if report.rests:
        wave, batches = report.to_come[0], batches - report.batches.get(BatchState.PENDING, 0)
        posting = f"; {len(report.to_come)} of {len(report.waves)} waves to come, next {wave.told(wave.zone)}"
    whom = f"{report.sent} reader{'' if report.sent == 1 else 's'} in {batches} batch{'' if batches == 1 else 'es'}"
    return f'"{report.slug}" went to {whom}{skipped}{refused}{dropped}{posting}'


def _from(moment: datetime | None) -> str:
    return f", from {moment:%Y-%m-%d %H:%M} UTC on" if moment else ""


def handed_over(report: Report) -> str:
    """What of a broadcast is left to workers, in one sentence."""
    if report.state != BroadcastState.SENDING:
        return summary(report)
    waiting = sum(report.deliveries.get(state, 0) for state in ("pending", "unknown"))
    gone = f"{report.sent} have it; " if report.sent else ""
    return (
        f'"{report.slug}" is handed to the workers: {gone}{waiting} readers in {sum(report.batches.values())} batches'
    )
