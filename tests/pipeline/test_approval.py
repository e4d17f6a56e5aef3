"""Approving: what is frozen, where it is queued, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.errors import SafetyError, UsageError
from newsletter.pipeline.approval import approve, unapprove
from newsletter.render.edition import Edition
from newsletter.schedule.queue import Approved, approved, read_edition

if TYPE_CHECKING:
    from conftest import Press


def queue_of(press: Press) -> list[Approved]:
    with press.store.reading() as connection:
        return approved(connection)


def test_what_is_approved_is_frozen_with_its_digest_and_queued(press: Press) -> None:
    press.write("one")
    approval = approve(press.desk, press.store, press.issue("one"), press.now, by="ada")
    (entry,) = queue_of(press)
    assert (entry.slug, entry.digest, entry.approved_by, approval.place) == ("one", approval.edition.digest, "ada", 1)
    assert entry.source_digest == press.issue("one").source_digest
    with press.store.reading() as connection:
        frozen = Edition.from_json(read_edition(connection, entry.digest))
    assert frozen.as_json() == approval.edition.as_json()
    assert frozen.frozen().digest == entry.digest


def test_approving_again_after_a_change_keeps_the_place_and_takes_the_new_edition(press: Press) -> None:
    for name in ("one", "two"):
        press.write(name)
        approve(press.desk, press.store, press.issue(name), press.now)
    before = queue_of(press)[0]
    press.write("one", body="Other words.")
    assert approve(press.desk, press.store, press.issue("one"), press.now).place == 1
    after = queue_of(press)
    assert [entry.slug for entry in after] == ["one", "two"]
    assert after[0].digest != before.digest
    assert after[0].source_digest != before.source_digest


@pytest.mark.parametrize(("front", "word"), [({"status": "draft"}, "draft"), ({"subject": "''"}, "subject")])
def test_an_error_finding_keeps_an_issue_out_of_the_queue(press: Press, front: dict[str, str], word: str) -> None:
    press.write("one", **front)
    with pytest.raises(SafetyError, match=f'"one" is not ready: .*{word}') as caught:
        approve(press.desk, press.store, press.issue("one"), press.now)
    assert "newsletter check one" in caught.value.hint
    assert queue_of(press) == []


def test_what_the_author_says_of_slot_date_and_segment_is_kept(press: Press) -> None:
    press.write("one", slot="2026-11-27T09:00", date="2026-11-26", segment="teacher")
    approve(press.desk, press.store, press.issue("one"), press.now)
    (entry,) = queue_of(press)
    assert (entry.pinned_to, entry.not_before, entry.segment) == ("2026-11-27T09:00", "2026-11-26", "teacher")


def test_an_issue_that_was_sent_is_not_approved_again(press: Press) -> None:
    press.write("one")
    approve(press.desk, press.store, press.issue("one"), press.now)
    sending = press.sending()
    sending.post(sending.plan_now(queue_of(press)[0]))
    with pytest.raises(SafetyError, match="has its broadcast already"):
        approve(press.desk, press.store, press.issue("one"), press.now)


def test_taking_back_an_approval_that_does_not_exist_is_said(press: Press) -> None:
    press.write("one")
    approve(press.desk, press.store, press.issue("one"), press.now)
    unapprove(press.store, "one")
    assert queue_of(press) == []
    with pytest.raises(UsageError, match='"one" is not in the queue'):
        unapprove(press.store, "one")
