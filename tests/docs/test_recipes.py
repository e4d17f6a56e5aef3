"""The files in deploy/ are what systemd, cron, launchd and Windows take, and what they start works."""

from __future__ import annotations

import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
# Task Scheduler Schema, taskType and settingsType: names, and for the first the order.
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
PARTS = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
SETTINGS = """
    AllowStartOnDemand RestartOnFailure MultipleInstancesPolicy DisallowStartIfOnBatteries StopIfGoingOnBatteries
    AllowHardTerminate StartWhenAvailable NetworkProfileName RunOnlyIfNetworkAvailable WakeToRun Enabled Hidden
    DeleteExpiredTaskAfter IdleSettings NetworkSettings ExecutionTimeLimit Priority RunOnlyIfIdle
""".split()


def words_of(file: str) -> str:
    return (DEPLOY / file).read_text(encoding="utf-8")


def started(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a recipe starts, with this Python and a publication in place of its own."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A fresh publication."""
    made = started(sys.executable, "-m", "newsletter", "init", "letter", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "letter"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not here")
    for name in ("newsletter.service", "newsletter-once.service", "newsletter-once.timer"):
        text = words_of(name).replace("/srv/newsletter/.venv/bin/python", sys.executable)
        (tmp_path / name).write_text(text.replace("#LoadCredential", "LoadCredential"))
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "newsletter" in line]
    assert (ours, done.returncode) == ([], 0), done.stderr


def test_cron_takes_the_line_and_a_shell_runs_it(letter: Path) -> None:
    (line,) = [line for line in words_of("newsletter.cron").splitlines() if not line.startswith("#")]
    *times, command = line.split(maxsplit=5)
    assert times == ["*/5", "*", "*", "*", "*"]
    assert "%" not in command, "cron would make a new line of it"
    command = command.replace("/srv/plain-ai", shlex.quote(str(letter)))
    command = command.replace("/srv/newsletter/.venv/bin/python", shlex.quote(sys.executable))
    if not shutil.which("flock"):
        command = command.replace("flock -n .newsletter/cron.lock ", "")
    assert started(sys.executable, "-m", "newsletter", "status", folder=letter).returncode == 0
    done = started("/bin/sh", "-c", command, folder=letter.parent)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_launchd_takes_the_agent() -> None:
    agent = plistlib.loads(words_of("org.example.newsletter.plist").encode())
    assert agent["Label"] == "org.example.newsletter"
    assert agent["ProgramArguments"][1:] == ["-m", "newsletter", "scheduler", "run"]
    kinds = {"KeepAlive": bool, "RunAtLoad": bool, "ExitTimeOut": int, "EnvironmentVariables": dict}
    assert {key: type(agent[key]) for key in kinds} == kinds
    assert all(agent[key].startswith("/") for key in ("WorkingDirectory", "StandardErrorPath")), "~ is not expanded"


def test_windows_takes_the_task() -> None:
    task = ElementTree.fromstring(words_of("newsletter-task.xml"))
    assert [part.tag.removeprefix(TASK) for part in task] == PARTS
    settings = [element.tag.removeprefix(TASK) for element in task.find(f"{TASK}Settings") or ()]
    assert set(settings) <= set(SETTINGS)
    assert task.findtext(f".//{TASK}MultipleInstancesPolicy") == "IgnoreNew"
    assert task.findtext(f".//{TASK}Arguments") == "-m newsletter scheduler once"
    assert {element.text for element in task.findall(f".//{TASK}StopIfGoingOnBatteries")} == {"false"}


def test_the_page_names_each_file() -> None:
    page = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    assert [path.name for path in DEPLOY.iterdir() if path.name not in page] == []
