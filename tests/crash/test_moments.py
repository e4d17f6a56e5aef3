"""A crash at each moment at which it can make a difference, and what the next run makes of what is left."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.cli.main import main
from newsletter.simulator import Simulator, SimulatorOptions

from .moments import die_at
from .place import KEY, KEY_NAME, make_place

TELLING = (4, 9, 11, 12, 13, 16, 20)  # of the more than twenty: around commits, and before and after the first call
ALL = 60
DUE = "2026-11-24T09:00"
SEND = ("send", "word-1", "--now", "--confirm", "word-1:6")
RESUME = ("send", "word-1", "--resume")
PASS = ("scheduler", "once", "--now", DUE)

Crash = Callable[..., "After"]


class After:
    """What stands after a crash: exit code of the victim, who has mail, and a way to go on."""

    def __init__(self, code: int, folder: Path, simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
        self.code, self.folder, self.simulator, self.capsys = code, folder, simulator, capsys

    def run(self, *words: str) -> int:
        self.capsys.readouterr()
        return main(["-C", str(self.folder), "--json", *words])

    @property
    def answer(self) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.capsys.readouterr().out.splitlines()[-1])
        return answer

    @property
    def inboxes(self) -> Counter[str]:
        mailbox = self.simulator.mailbox
        return Counter(mailbox.email(number)["to"]["email"] for number in range(len(mailbox)))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication of seven readers, six of them active, with one approved issue."""
    folder = tmp_path_factory.mktemp("original") / "publication"
    place = make_place(folder, "http://127.0.0.1:9/v1", recipients=7, batch_size=3, concurrency=1)
    assert place.run("approve", "word-1").code == 0
    return folder


@pytest.fixture
def crash(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Crash:
    """Run the command in a copy of the publication, killed at a moment, and call `then` with what is left."""
    monkeypatch.setenv(KEY_NAME, KEY)

    def run(moment: int, words: tuple[str, ...], then: Callable[[After], None], idempotency: bool = True) -> int:
        folder = tmp_path / str(moment)
        shutil.copytree(original, folder / "publication")
        with Simulator(SimulatorOptions(folder / "sim", rate=0, bodies="template", idempotency=idempotency)) as sim:
            toml = folder / "publication" / "newsletter.toml"
            toml.write_text(re.sub(r'http://[^"]+', sim.url, toml.read_text()))
            line = ["-C", str(folder / "publication"), "--json", *words]
            code = die_at(moment, line, {KEY_NAME: KEY})
            assert code in (-9, 0)
            then(After(code, folder / "publication", sim, capsys))
        return code

    return run


def everyone_gets_it_once(after: After) -> None:
    before = after.inboxes
    code = after.run(*RESUME)
    if code == 2:  # killed before there was a broadcast: nothing had left, and the first command is right again
        assert not before
        code = after.run(*SEND)
    assert code == 0
    assert (len(after.inboxes), after.inboxes.total()) == (6, 6)
    assert after.answer["data"]["sent"] == 6  # type: ignore[index]


@pytest.mark.parametrize("moment", TELLING)
def test_a_sender_killed_at_a_telling_moment_is_taken_up(crash: Crash, moment: int) -> None:
    assert crash(moment, SEND, everyone_gets_it_once) == -9


@pytest.mark.slow
def test_a_sender_killed_at_any_moment_is_taken_up(crash: Crash) -> None:
    codes = [crash(moment, SEND, everyone_gets_it_once) for moment in range(1, ALL)]
    assert codes.count(-9) >= max(TELLING) and codes[-1] == 0


def nobody_gets_it_twice(after: After) -> None:
    """Without keys, at most the one batch whose call was begun is in doubt; all others get the issue."""
    code = after.run(*RESUME)
    if code == 2:
        code = after.run(*SEND)
    assert code in (0, 7)
    assert set(after.inboxes.values()) == {1}
    if code == 7:
        assert "3 sent, 3 unknown" in after.answer["error"]["message"]  # type: ignore[index]
        assert len(after.inboxes) >= 3
        assert after.run(*RESUME, "--unknown", "skip") == 0
        assert set(after.inboxes.values()) == {1}
    else:
        assert len(after.inboxes) == 6


@pytest.mark.slow
def test_a_sender_killed_at_any_moment_mails_nobody_twice_where_no_key_is_honoured(crash: Crash) -> None:
    codes = [crash(moment, SEND, nobody_gets_it_twice, False) for moment in range(1, ALL)]
    assert codes.count(-9) >= max(TELLING) and codes[-1] == 0


def the_next_pass_ends_it(after: After) -> None:
    assert after.run(*PASS) == 0
    assert (len(after.inboxes), after.inboxes.total()) == (6, 6)
    assert after.run(*PASS) == 0
    assert after.answer["data"]["broadcasts"] == []  # type: ignore[index]
    assert after.inboxes.total() == 6
    assert after.run("status") == 0
    (broadcast,) = after.answer["data"]["broadcasts"]  # type: ignore[index]
    assert (broadcast["slot"], broadcast["state"], broadcast["sent"]) == (DUE, "sent", 6)


@pytest.mark.parametrize("moment", [6, 16])
def test_a_pass_killed_at_a_telling_moment_is_ended_by_the_next(crash: Crash, moment: int) -> None:
    assert crash(moment, PASS, the_next_pass_ends_it) == -9


@pytest.mark.slow
def test_a_pass_killed_at_any_moment_is_ended_by_the_next(crash: Crash) -> None:
    codes = [crash(moment, PASS, the_next_pass_ends_it) for moment in range(1, ALL)]
    assert codes.count(-9) >= 20 and codes[-1] == 0
