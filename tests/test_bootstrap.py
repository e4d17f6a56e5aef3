"""A bare checkout: what is made, when it is made anew, and what is said when it cannot be."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from newsletter.__main__ import complaint
from newsletter.bootstrap import SetupError, candidates, explain, kind_of, ours, telling

ROOT = Path(__file__).resolve().parents[1]

# A program that shows how and where it was started, in place of the real command line.
PROGRAM = """
import json, sys
def main(argv):
    print(json.dumps({"prefix": sys.prefix, "argv": argv}))
    return 7
"""
# In place of uv: notes its call, waits while there is a file `hold`, then does as the file `mode` says.
UV = """#!{python}
import sys, time
from pathlib import Path
here = Path(__file__).parent
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
while (here / "hold").exists():
    time.sleep(0.02)
said = (here / "mode").read_text()
if said:  # fail, and leave a pip that fails with the same words
    python = Path(sys.argv[sys.argv.index("--python") + 1])
    packages = next(python.parent.parent.glob("lib/python*/site-packages"))
    (packages / "pip-1.dist-info").mkdir()
    (packages / "pip.py").write_text(f"raise SystemExit({{said!r}})")
    sys.exit(said)
"""
PROJECT = """
[project]
dependencies = ["newsletter-is-not-installed>=1"]
[dependency-groups]
dev = ["newsletter-tests-neither"]
"""


@dataclass(frozen=True)
class Checkout:
    """A small checkout with a program of its own, and a `uv` that installs nothing."""

    root: Path
    bin: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def start(self, *words: str, cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.bin), "PYTHONPATH": str(self.root) if cwd else "", **variables}
        return subprocess.Popen(
            [sys.executable, "-m", "newsletter", *words],
            cwd=cwd or self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *words: str, cwd: Path | None = None, **variables: str) -> tuple[int | None, str, str]:
        process = self.start(*words, cwd=cwd, **variables)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def calls(self) -> list[str]:
        file = self.bin / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    root, tools = tmp_path / "check out", tmp_path / "bin"
    (root / "newsletter" / "cli").mkdir(parents=True)
    tools.mkdir()
    for name in (
        "__init__.py",
        "__main__.py",
        "bootstrap.py",
        "errors.py",
        "logs.py",
        "masks.py",
        "cli/__init__.py",
        "cli/output.py",
    ):
        shutil.copy(ROOT / "newsletter" / name, root / "newsletter" / name)
    (root / "newsletter" / "cli" / "main.py").write_text(PROGRAM)
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "requirements.lock").write_text("one==1 \\\n    --hash=sha256:00\n")
    (root / "requirements-dev.lock").write_text("one==1 \\\n    --hash=sha256:00\ntwo==2 \\\n    --hash=sha256:00\n")
    (tools / "mode").write_text("")
    (tools / "uv").write_text(UV.format(python=sys.executable))
    (tools / "uv").chmod(0o755)
    yield Checkout(root, tools)
    (tools / "hold").unlink(missing_ok=True)


def until(condition: Callable[[], object]) -> None:
    """Wait for what must happen; a minute is long enough on any machine."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


# An old Python


def test_python_3_6_can_read_what_says_that_it_is_too_old() -> None:
    for name in ("__init__.py", "__main__.py"):
        source = (ROOT / "newsletter" / name).read_text()
        tree = ast.parse(source, feature_version=(3, 6))
        future = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        assert not future, f"{name}: Python 3.6 does not know it"
        assert source.isascii(), f"{name}: an old Python may read it in another encoding"


def test_a_too_old_python_is_named_with_what_to_do() -> None:
    assert complaint((3, 9, 2), None) == (
        "Newsletter needs Python 3.11 or newer; this is 3.9.2: install a newer Python"
    )
    assert (complaint((3, 10, 13), "python3.12") or "").endswith(", or try: python3.12 -m newsletter")
    assert complaint((3, 11, 0), None) is None
    assert complaint((4, 0, 0), None) is None


def test_a_too_old_python_ends_in_one_line_and_reads_no_further(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "newsletter", tmp_path / "newsletter", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "newsletter" / "bootstrap.py").write_text("this is no Python of that age")
    code = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_module('newsletter', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"Newsletter needs Python 3\.11 or newer; this is 3\.9\.2: .+\n", done.stderr)


# What is made, and when


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("", "run"),
        ("demo", "run"),
        ("test", "test"),
        ("--json test -k x", "test"),
        ("-C test demo", "run"),
        ("-C DIR test", "test"),
        ("send test", "run"),
    ],
)
def test_only_the_command_test_waits_for_the_tools_of_the_tests(line: str, kind: str) -> None:
    assert kind_of(line.split()) == kind


def test_the_first_start_installs_and_the_second_only_runs(checkout: Checkout, tmp_path: Path) -> None:
    code, out, err = checkout.run("demo", "--keep", "a b", "ü")
    assert code == 7, err
    assert json.loads(out)["argv"] == ["demo", "--keep", "a b", "ü"]
    assert json.loads(out)["prefix"] == str(checkout.venv)
    lines = err.splitlines()
    assert lines[:2] == ["Setting up .venv (once) …", "Installing 1 packages with uv …"]
    assert re.fullmatch(r"Ready in \d+ s", lines[2])
    assert len(lines) == 3
    assert "--require-hashes" in checkout.calls()[0].split()

    assert checkout.run("demo") == (7, out.replace(', "--keep", "a b", "\\u00fc"', ""), "")
    assert checkout.run("demo", cwd=tmp_path)[::2] == (7, "")
    assert len(checkout.calls()) == 1


def test_children_of_the_program_find_it_in_any_folder_and_after_a_move(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("demo")
    moved = checkout.root.rename(tmp_path / "moved")
    call = [moved / ".venv" / "bin" / "python", "-c", "import newsletter; print(newsletter.__file__)"]
    done = subprocess.run(call, cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(moved / "newsletter" / "__init__.py")


def test_tests_add_their_tools_to_what_is_there_and_serve_the_program_too(checkout: Checkout) -> None:
    checkout.run("demo")
    (checkout.venv / "kept").touch()
    assert "Adding the tools of the tests (once) …" in checkout.run("test")[2]
    assert "Installing 2 packages" not in checkout.run("test")[2]
    assert checkout.run("demo")[2] == ""
    assert (checkout.venv / "kept").exists()
    assert [call.rsplit("/")[-1] for call in checkout.calls()] == ["requirements.lock", "requirements-dev.lock"]


@pytest.mark.parametrize("change", ["lock", "unfinished", "garbage", "stamp gone", "python gone"])
def test_what_no_longer_holds_is_made_anew(checkout: Checkout, change: str) -> None:
    checkout.run("demo")
    (checkout.venv / "left over").mkdir()
    stamp = checkout.venv / "newsletter.json"
    if change == "lock":
        (checkout.root / "requirements.lock").write_text("one==2 \\\n    --hash=sha256:00\n")
    elif change == "unfinished":
        stamp.write_text("{}")
    elif change == "garbage":
        stamp.write_bytes(b"\xff[")
    elif change == "stamp gone":
        stamp.unlink()
    else:
        (checkout.venv / "bin" / "python").unlink()
    code, _, err = checkout.run("demo")
    assert (code, err.splitlines()[0]) == (7, "Setting up .venv (once) …")
    assert not (checkout.venv / "left over").exists()
    assert checkout.run("demo")[2] == ""


def test_an_environment_that_someone_else_made_is_never_cleared(checkout: Checkout) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout.venv], check=True)
    code, out, err = checkout.run("demo", "--json")
    assert (code, json.loads(out)["error"]["code"], err) == (1, "setup", "")
    assert "was not made by newsletter and lacks newsletter-is-not-installed" in json.loads(out)["error"]["message"]
    assert checkout.calls() == []

    packages = next(checkout.venv.glob("lib/python*/site-packages"))
    info = packages / "newsletter_is_not_installed-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: newsletter-is-not-installed\nVersion: 1.2\n")
    code, out, err = checkout.run("demo")
    assert (code, json.loads(out)["prefix"], err) == (7, str(checkout.venv), "")

    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: newsletter-is-not-installed\nVersion: 0.9\n")
    assert checkout.run("demo")[0] == 1
    assert checkout.calls() == []


def test_without_a_place_in_the_checkout_the_users_cache_is_used(checkout: Checkout, tmp_path: Path) -> None:
    checkout.venv.write_text("in the way")
    cache = str(tmp_path / "cache")
    code, out, _ = checkout.run("demo", XDG_CACHE_HOME=cache)
    assert code == 7
    assert json.loads(out)["prefix"].startswith(f"{cache}/newsletter/venv-")
    assert checkout.run("demo", XDG_CACHE_HOME=cache)[2] == ""

    code, _, err = checkout.run("demo", NEWSLETTER_VENV=str(checkout.venv / "below"))
    assert code == 1
    assert "cannot write to" in err
    assert "NEWSLETTER_VENV=DIR" in err


def test_the_place_that_was_named_is_the_only_one(tmp_path: Path) -> None:
    assert candidates(tmp_path, {"NEWSLETTER_VENV": "/named", "HOME": "/home/x"}) == [Path("/named")]
    assert candidates(tmp_path, {"XDG_CACHE_HOME": "/c"})[0] == tmp_path / ".venv"
    assert ours(tmp_path / "nothing")


# When two meet, and when one is killed


def test_two_starts_at_once_make_one_environment(checkout: Checkout) -> None:
    (checkout.bin / "hold").touch()
    first = checkout.start("demo")
    until(checkout.calls)
    second = checkout.start("demo")
    assert second.stderr
    assert "Another set-up" in second.stderr.readline()
    (checkout.bin / "hold").unlink()
    for process in (first, second):
        out, err = process.communicate(timeout=120)
        assert (process.returncode, json.loads(out)["argv"]) == (7, ["demo"]), err
    assert len(checkout.calls()) == 1


def test_a_killed_set_up_is_made_anew_once_its_installer_has_ended(checkout: Checkout) -> None:
    (checkout.bin / "hold").touch()
    first = checkout.start("demo")
    until(checkout.calls)
    first.kill()
    second = checkout.start("demo")
    assert second.stderr
    assert "Another set-up" in second.stderr.readline(), "the orphan still writes to the folder"
    (checkout.bin / "hold").unlink()
    out, err = second.communicate(timeout=120)
    assert (second.returncode, json.loads(out)["argv"]) == (7, ["demo"]), err
    assert "Setting up .venv (once) …" in err
    first.communicate(timeout=120)
    assert len(checkout.calls()) == 2


def test_an_interrupted_set_up_says_so_and_leaves_nothing_that_counts(checkout: Checkout) -> None:
    (checkout.bin / "hold").touch()
    first = checkout.start("demo")
    until(checkout.calls)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=120)
    assert (first.returncode, err.splitlines()[-1]) == (
        130,
        "interrupted; the next start makes anew what is unfinished",
    )
    (checkout.bin / "hold").unlink()
    code, _, err = checkout.run("demo")
    assert (code, err.splitlines()[0]) == (7, "Setting up .venv (once) …")


# When it cannot be made

PIP_OFFLINE = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError("HTTPSConnection(host='index.test', \
port=443): Failed: [Errno -3] Temporary failure in name resolution")': /simple/alembic/
ERROR: Could not find a version that satisfies the requirement alembic==1.20.1 (from versions: none)
ERROR: No matching distribution found for alembic==1.20.1
"""
UV_OFFLINE = """\
error: Request failed after 3 retries
  Caused by: Failed to fetch: `https://index.test/simple/alembic/`
  Caused by: error sending request for url (https://index.test/simple/alembic/)
  Caused by: dns error
"""
TAMPERED = """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.
    alembic==1.20.1 from https://files.test/packages/alembic-1.20.1.whl:
        Expected sha256 00
             Got        11
"""


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (PIP_OFFLINE, "cannot reach the package index"),
        (UV_OFFLINE, "cannot reach the package index"),
        (TAMPERED, "a package is not the one that the lock file means"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("SSLError: CERTIFICATE_VERIFY_FAILED: self-signed certificate; connection broken", "certificate"),
        ("ERROR: lxml needs a compiler", "pip failed"),
    ],
)
def test_what_an_installer_says_becomes_one_cause_without_an_address(said: str, message: str) -> None:
    error = explain(said, "pip failed")
    assert isinstance(error, SetupError)
    assert message in error.message
    shown = "\n".join([*telling(said), error.message, error.hint])
    assert not re.search(r"://|\.test\b|/simple/", shown)
    assert len(telling(said)) <= 4


def test_being_offline_is_told_in_plain_lines(checkout: Checkout) -> None:
    (checkout.bin / "mode").write_text(PIP_OFFLINE)
    code, out, err = checkout.run("demo")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "Setting up .venv (once) …",
        "Installing 1 packages with uv …",
        "uv could not install them; trying pip …",
        "  ERROR: Could not find a version that satisfies the requirement alembic==1.20.1 (from versions: none)",
        "  ERROR: No matching distribution found for alembic==1.20.1",
        "error: cannot reach the package index",
        "  hint: are you online? Where a proxy is needed, name it in HTTPS_PROXY",
    ]
    (checkout.bin / "mode").write_text("")
    assert checkout.run("demo")[0] == 7


def test_a_failure_is_one_json_object_where_that_was_asked_for(checkout: Checkout) -> None:
    (checkout.bin / "mode").write_text("nothing we know")
    code, out, _ = checkout.run("demo", "--json")
    assert (code, json.loads(out)["error"]["message"]) == (1, "pip could not install what requirements.lock lists")


# The lock files


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_lock_files_fit_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["project"]["dependencies"]
    for name, requirements in (
        ("requirements.lock", asked),
        ("requirements-dev.lock", asked + project["dependency-groups"]["dev"]),
    ):
        locked = pins(name)
        for requirement in map(Requirement, requirements):
            version = locked.get(canonicalize_name(requirement.name))
            assert version, f"{name} lacks {requirement.name}: see docs/development.md"
            assert requirement.specifier.contains(version), f"{name}: {requirement} is pinned to {version}"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_pins_each_package_by_hash_and_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if not entry.startswith("#")]
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text
    assert "index" not in text


def test_the_lock_of_the_tests_holds_all_that_the_program_runs_on() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


# For real


@pytest.mark.slow
def test_a_fresh_clone_in_an_empty_shell_sets_itself_up_once(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    call = ["env", "-i", os.path.realpath(sys.executable), "-m", "newsletter", "--version"]
    first, second = (subprocess.run(call, cwd=clone, capture_output=True, text=True, check=False) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert "Setting up .venv (once) …" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert status.stdout == "", "the set-up leaves nothing that git would see"
