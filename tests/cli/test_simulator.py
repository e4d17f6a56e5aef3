"""`newsletter simulator` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from newsletter.cli.main import main

RUN = [sys.executable, "-c", "import sys; from newsletter.cli.main import main; sys.exit(main())", "simulator"]


@contextmanager
def running(*options: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [*RUN, "--port", "0", *options],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_serves_until_it_is_stopped_and_says_where(tmp_path: Path, number: int, code: int) -> None:
    with running("--json", "--data", "mails", cwd=tmp_path) as process:
        assert process.stdout
        data = json.loads(process.stdout.readline())["data"]
        assert (data["url"], data["data"]) == (data["page"] + "/v1", str(tmp_path / "mails"))
        with build_opener(ProxyHandler({})).open(data["url"] + "/simulator", timeout=10) as answer:
            assert json.load(answer)["service"] == "newsletter-simulator"
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (code, "", "")
        with pytest.raises(OSError), socket.create_connection(("127.0.0.1", int(data["page"].rpartition(":")[2]))):
            pass


def test_people_get_lines_and_a_farewell(tmp_path: Path) -> None:
    with running(cwd=tmp_path) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert [line.split()[0] for line in lines] == ["API", "page", "data"]
    assert str(tmp_path / "newsletter-simulator") in lines[2]
    assert err.splitlines() == ["Ctrl-C stops it", "stopped; 0 mails taken"]


def test_a_folder_has_one_simulator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running("--data", "mails", cwd=tmp_path) as process:
        assert process.stdout
        process.stdout.readline()
        assert main(["simulator", "--port", "0", "--data", str(tmp_path / "mails")]) == 1
        assert "another simulator uses this folder" in capsys.readouterr().err
        process.terminate()


def test_a_port_in_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["simulator", "--port", port, "--data", str(tmp_path)]) == 1
    assert f"port {port} on this machine cannot be used: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--data", "{file}/x"], 1, "cannot be written: Not a directory"),
        (["--data", "/proc/simulator"], 1, "/proc/simulator: cannot be written"),
        (["--data", "{bad}"], 1, "accepted.ndjson:1: this line is not the simulator's"),
        (["--faults", "418:1"], 2, 'there is no fault "418"'),
        (["--faults", "429:nan"], 2, "the chances are"),
        (["--webhook", "http://example.org/", "--webhook-secret", "PATH"], 2, "not an address on this machine"),
        (["--webhook", "http://127.0.0.1/"], 2, "the secret is missing"),
        (["--webhook", "http://127.0.0.1/", "--webhook-secret", "whsec_x"], 2, "no environment variable"),
        (["--port", "70000"], 2, "--port"),
        (["--rate", "-1"], 2, "--rate"),
    ],
)
def test_what_cannot_be_is_told_in_a_line_or_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, words: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "accepted.ndjson").write_text("hello\n")
    names = {"file": str(tmp_path / "file"), "bad": str(tmp_path / "bad")}
    assert main(["simulator", "--port", "0", *(option.format(**names) for option in options)]) == code
    err = capsys.readouterr().err
    assert words in err
    assert len(err.splitlines()) <= 2
    assert "whsec_x" not in err
