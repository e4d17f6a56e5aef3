"""A batch in doubt is settled by the record of the provider that it went to, and by no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from test_broadcaster import JOB_MESSAGE, FakeClock, ScriptedProvider, plan, run, states

from newsletter.config import DeliveryConfig
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job
from newsletter.delivery.protocol import Accepted, Blocked, Recipient, Refused, Unknown
from newsletter.delivery.report import Report
from newsletter.errors import PartlySentError
from newsletter.store.database import Store


@dataclass
class Registrar(ScriptedProvider):
    """Takes a repeat again, but knows what it took; `silent` as long as it cannot tell."""

    honours_keys: bool = False
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    def recall(self, key: str, recipients: Sequence[Recipient]) -> Accepted | Refused | None:
        self.asked.append(key)
        if self.silent:
            return None
        if key not in self.keys:
            return Refused("not on record")
        assert self.keys[key] == [recipient.email for recipient in recipients]
        return Accepted("on record")


@pytest.mark.parametrize("taken", [True, False])
def test_what_the_record_says_ends_the_doubt_and_nobody_is_mailed_twice(store: Store, taken: bool) -> None:
    provider = Registrar([Unknown("reset")], taken_before_the_answer_is_lost=taken)
    broadcast = plan(store)
    with pytest.raises(PartlySentError, match="140 sent, 100 unknown"):
        run(store, broadcast, provider)
    provider.silent = True
    with pytest.raises(PartlySentError, match="100 unknown"):
        run(store, broadcast, provider)
    provider.silent = False
    report = run(store, broadcast, provider)
    assert isinstance(report, Report)
    assert (report.state, states(store)) == ("sent", {"accepted": 240, "skipped": 10})
    assert (len(provider.inboxes), provider.inboxes.total()) == (240, 240)
    assert provider.calls == (3 if taken else 4)


def test_a_provider_is_asked_only_about_its_own_calls(store: Store) -> None:
    first, second = Registrar([Blocked("401")]), Registrar([Unknown("reset")], name="other", account="other")
    second.taken_before_the_answer_is_lost = True
    broadcast = plan(store)

    def go_on() -> Report:
        job = Job("d", first.prepare(JOB_MESSAGE), lambda reader: {}, fallbacks=(second.prepare(JOB_MESSAGE),))
        settings = DeliveryConfig(max_attempts=2, concurrency=1)
        return Broadcaster(store, first, settings, FakeClock(), fallback=second).run(broadcast, job)

    with pytest.raises(PartlySentError, match="100 unknown"):
        go_on()
    report = go_on()
    assert (report.state, report.providers) == ("sent", {"other": 240})
    assert (first.asked, len(second.asked)) == ([], 1)
    assert set((first.inboxes + second.inboxes).values()) == {1}
