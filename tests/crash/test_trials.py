"""A test of subjects whose sender is killed while it posts, decides and posts on: each reader once, one decision."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from newsletter.delivery.report import find_broadcast
from newsletter.delivery.trials import Trial, part_of, trial_of

from .audit import audit
from .drill import SLUG
from .place import Place, ended, make_place
from .provider import running_provider

_SUBJECTS = ("Word 1", "Word 1, or another")
_AB = '\n[ab]\nshare = 0.4\nwait = "1s"\n'


def trial(place: Place) -> Trial | None:
    with place.store() as store, store.reading() as connection:
        number = find_broadcast(connection, SLUG)
        return trial_of(connection, number) if number is not None else None


@pytest.mark.slow
def test_kills_on_both_sides_of_the_decision_lose_nobody_and_change_no_mind(tmp_path: Path) -> None:
    with running_provider(tmp_path / "provider", faults="", idempotency=True) as provider:
        place = make_place(tmp_path / "publication", provider.url, recipients=400, batch_size=10)
        issue = place.folder / "issues" / "001-word-1.md"
        front = f"subjects: [{', '.join(repr(subject) for subject in _SUBJECTS)}]"
        issue.write_text(issue.read_text(encoding="utf-8").replace("subject: Word 1", front), encoding="utf-8")
        toml = place.folder / "newsletter.toml"
        toml.write_text(toml.read_text(encoding="utf-8") + _AB, encoding="utf-8")
        readers = int(place.run("send", SLUG, "--dry-run").data["readers"])
        words, decided, kills = ["send", SLUG, "--now", "--confirm", f"{SLUG}:{readers}"], [], 0
        for _ in range(60):
            before = provider.inboxes().total()
            process = place.start(*words)
            if kills < 5:  # after some mails of this run, or while it has nothing to do
                until = time.monotonic() + 8
                while process.poll() is None and provider.inboxes().total() < before + 15 and time.monotonic() < until:
                    time.sleep(0.02)
                process.kill()
            kills += ended(process).code == -9
            found = trial(place)
            if found is not None:
                words = ["send", SLUG, "--resume"]
                decided += [found] if found.winner is not None else []
            if any(report["state"] == "sent" for report in place.run("status").data["broadcasts"]):
                break
            time.sleep(0.5)
        held = audit(place, provider, SLUG)
        assert held.exact, held
        assert kills >= 3
        assert len({(one.winner, one.arms, one.decided_at) for one in decided}) == 1
        number = decided[0].broadcast_id
        samples = [part_of(number, who, 2, 0.4) for who in range(1, 401)]
        second = provider.inboxes(_SUBJECTS[1])
        assert 0 < second.total() <= samples.count(2)  # of the rest, nobody: nobody clicked, so the first one won
