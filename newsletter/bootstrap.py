"""The two commands in a bare checkout: make `.venv` once, install into it, run the same command inside it.

Standard library only. A stamp in the environment tells what it was made from, so a later start only compares hashes;
where the running Python already has all that the project needs, nothing is made. Set-ups of one checkout wait for each
other, and one that was cut short is made anew.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter.cli.output import Output
from newsletter.errors import NewsletterError

LOCK_FILES = {"run": "requirements.lock", "test": "requirements-dev.lock"}
FOLDER_VARIABLE = "NEWSLETTER_VENV"
# Both are in the environment itself, so that a folder that holds nothing else can be named for it.
STAMP = "newsletter.json"  # kind -> hash of what it was made from; empty until it is finished
MUTEX = "newsletter.lock"  # its presence also says that this program made the environment
_PATIENCE = 15  # seconds that an installer may be silent before we say that it is still at work
_CAUSES = [  # what an installer's words mean, what is then wrong, what to do; the first that fits
    (r"no space left on device|not enough space|quota exceeded", "the disk is full", "make room and start again"),
    (
        r"do not match the hashes|hash mismatch",
        "a package is not the one that the lock file means; it was not installed",
        "start again; if it stays so, do not trust where your packages come from",
    ),
    (
        r"certificate",
        "the package index shows a certificate that this machine does not trust",
        "behind an inspecting proxy, name its certificate in PIP_CERT (for uv: SSL_CERT_FILE)",
    ),
    (
        r"name resolution|not known|nodename nor servname|getaddrinfo|dns error|connection (refused|reset|error|broken)"
        r"|NewConnectionError|timed out|timeout|unreachable|(unable|failed) to connect|error sending request"
        r"|from versions: none",
        "cannot reach the package index",
        "are you online? Where a proxy is needed, name it in HTTPS_PROXY",
    ),
]
_ADDRESS = re.compile(r"\w+://\S+|(?<=host=)[^\s,)]+|/simple/\S*|\b[\w-]+(\.[\w-]+)*\.(org|com|net|io|dev)\b|\S+:\d+\b")


class SetupError(NewsletterError):
    """The environment that the command needs could not be made; the next start tries again."""

    code = "setup"


@dataclass(frozen=True)
class Setup:
    """What a command needs: the checkout, and the kind of its lock file, `run` or `test` (which holds `run` too)."""

    root: Path
    kind: str

    @property
    def lock_file(self) -> Path:
        """The pinned packages with their hashes."""
        return self.root / LOCK_FILES[self.kind]

    @property
    def digest(self) -> str:
        """A hash of what an environment is made from: the lock file, this Python, this kind of machine."""
        python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')} {sysconfig.get_platform()}\n"
        return hashlib.sha256(python.encode() + self.lock_file.read_bytes()).hexdigest()


def start(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) where its packages are, and return its exit code.

    In a checkout without them this does not return: the process becomes, on Windows it runs, one that has them.
    A set-up that fails is told in a line or two, with exit code 1.
    """
    root = Path(__file__).resolve().parent.parent
    try:
        if all((root / name).is_file() for name in ("pyproject.toml", *LOCK_FILES.values())):
            enter(Setup(root, kind_of(argv)))
    except (SetupError, OSError) as error:
        known = error if isinstance(error, SetupError) else _explain_os_error(error)
        Output(json="--json" in argv).failure(known)
        return known.exit_code
    except KeyboardInterrupt:
        _say("interrupted; the next start makes anew what is unfinished")
        return 130
    from newsletter.cli.main import main  # noqa: PLC0415  its imports are what the set-up is for

    return main(argv)


def kind_of(argv: Sequence[str]) -> str:
    """`test` for the command of that name, which needs the tools of the tests; `run` for all others."""
    words = iter(argv)
    for word in words:
        if word == "-C":
            next(words, None)
        elif not word.startswith("-"):
            return "test" if word == "test" else "run"
    return "run"


def enter(setup: Setup) -> None:
    """Return if this process has what `setup` needs, else become one that has; make its environment if there is none.

    Raises SetupError where that cannot be done.
    """
    folders = candidates(setup.root, os.environ)
    inside = next((folder for folder in folders if folder.resolve() == Path(sys.prefix).resolve()), None)
    if inside and ours(inside):
        if ready(inside, setup):
            return
    else:
        missing = lacking(setup)
        if not missing:
            return
        if inside:
            raise SetupError(
                f"{inside} was not made by newsletter and lacks {', '.join(missing[:3])}{', …' * (len(missing) > 3)}",
                f"install {setup.lock_file.name} in it, or remove it and start again",
            )
    venv = next((folder for folder in folders if ready(folder, setup) or not ours(folder)), None)
    _become(venv or make(folders, setup))


def candidates(root: Path, environment: Mapping[str, str]) -> list[Path]:
    """Where the environment may be, best first: as told, else `.venv` in the checkout, else in the user's cache."""
    if environment.get(FOLDER_VARIABLE):
        return [Path(environment[FOLDER_VARIABLE]).absolute()]
    folders = [root / ".venv"]
    with contextlib.suppress(RuntimeError):  # a user without a home
        cache = environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA") or Path.home() / ".cache"
        name = hashlib.sha256(str(root).encode()).hexdigest()[:12]
        folders.append(Path(cache) / "newsletter" / f"venv-{name}")
    return folders


def ours(venv: Path) -> bool:
    """Whether this program made what is in `venv`, or nothing is: it may be cleared."""
    return (venv / MUTEX).exists() or not venv.is_dir() or not any(venv.iterdir())


def ready(venv: Path, setup: Setup) -> bool:
    """Whether `venv` is finished, was made from what is wanted now, and its Python is still there."""
    return read_stamp(venv).get(setup.kind) == setup.digest and _python(venv).exists()


def read_stamp(venv: Path) -> dict[str, str]:
    """What `venv` was made from, by kind; empty where it is absent or unfinished."""
    try:
        stamp = json.loads((venv / STAMP).read_bytes())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(venv: Path, stamp: Mapping[str, str]) -> None:
    """Say what `venv` was made from; whole or not at all."""
    draft = venv / f"{STAMP}.new"
    draft.write_text(json.dumps(stamp), encoding="utf-8")
    draft.replace(venv / STAMP)


def lacking(setup: Setup) -> list[str]:
    """The packages that pyproject.toml asks for and this Python does not have, or has too old."""
    import tomllib  # noqa: PLC0415  not needed for a start with a stamp
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    project = tomllib.loads((setup.root / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*project["project"]["dependencies"]]
    if setup.kind == "test":
        asked += project["dependency-groups"]["dev"]
    missing = []
    for requirement in asked:
        name, _, least = re.match(r"([\w.-]+)(\[.*?\])?(?:>=([\d.]+))?", requirement).groups()  # type: ignore[union-attr]
        try:
            if _numbers(version(name)) < _numbers(least or "0"):
                missing.append(name)
        except PackageNotFoundError:
            missing.append(name)
    return missing


def make(folders: Sequence[Path], setup: Setup) -> Path:
    """Make the environment in the first of `folders` that can be written to, and return it.

    Raises SetupError where there is no such folder or the packages cannot be installed.
    """
    venv = next((folder for folder in folders if _writable(folder)), None)
    if venv is None:
        raise SetupError(
            f"cannot write to {' nor to '.join(str(folder.parent) for folder in folders)}",
            f"name a folder to set up in: {FOLDER_VARIABLE}=DIR",
        )
    begin = time.monotonic()
    venv.mkdir(parents=True, exist_ok=True)
    with _mutex(venv) as mutex:
        if ready(venv, setup):  # another start made it while we waited
            return venv
        if setup.kind == "test" and ready(venv, Setup(setup.root, "run")):
            _say("Adding the tools of the tests (once) …")
        else:
            shown = venv.relative_to(setup.root) if venv.is_relative_to(setup.root) else venv
            _say(f"Setting up {shown} (once) …")
            _clear(venv)
        _install(venv, setup, mutex)
        # For children that run `python -m newsletter` in another folder; relative, so that the checkout may be moved.
        packages = _path(venv, "purelib")
        inside = venv.is_relative_to(setup.root)
        (packages / "newsletter.pth").write_text(os.path.relpath(setup.root, packages) if inside else str(setup.root))
        write_stamp(venv, {kind: Setup(setup.root, kind).digest for kind in {"run", setup.kind}})
    _say(f"Ready in {time.monotonic() - begin:.0f} s")
    return venv


def _install(venv: Path, setup: Setup, mutex: int) -> None:
    """Put the packages of the lock file into `venv`: with uv where that is installed and works, else with pip."""
    pins = re.findall(r"^[\w.-]+==", setup.lock_file.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = ["--quiet", "--require-hashes", "--no-deps", "--requirement", str(setup.lock_file)]
    uv = shutil.which("uv")
    _say(f"Installing {len(pins)} packages with {'uv' if uv else 'pip'} …")
    if uv:
        if not _call([_base_python(), "-m", "venv", "--without-pip", str(venv)], venv, mutex) and not _call(
            [uv, "pip", "install", "--python", str(_python(venv)), "--compile-bytecode", *wanted], venv, mutex
        ):
            return
        _say("uv could not install them; trying pip …")
    if not list(_path(venv, "purelib").glob("pip-*.dist-info")):
        if not importlib.util.find_spec("ensurepip"):
            raise SetupError(
                "this Python cannot make environments: it came without venv and ensurepip",
                f"on Debian and Ubuntu: apt install python{_version()}-venv; then start again",
            )
        _must([_base_python(), "-m", "venv", str(venv)], venv, mutex, "venv could not make the environment")
    complaint = f"pip could not install what {setup.lock_file.name} lists"
    _must([str(_python(venv)), "-m", "pip", "install", *wanted], venv, mutex, complaint)


def _must(command: Sequence[str], venv: Path, mutex: int, complaint: str) -> None:
    """Run a tool; where it fails show the end of what it said, and raise SetupError with the cause or `complaint`."""
    said = _call(command, venv, mutex)
    if said:
        for line in telling(said):
            _say(f"  {line}")
        raise explain(said, complaint)


def _call(command: Sequence[str], venv: Path, mutex: int) -> str:
    """Run a tool without its noise; what it said if it failed, else nothing. Says so every while that it is at work."""
    settings = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # What PYTHONPATH shows would count as installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | settings
    begin = time.monotonic()
    with subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=venv,
        env=environment,
        # An installer that outlives us keeps the mutex, so that nobody clears the folder that it writes to.
        pass_fds=(mutex,) if os.name == "posix" else (),
    ) as process:
        while True:
            try:
                output, _ = process.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                _say(f"… still at work after {time.monotonic() - begin:.0f} s")
            except BaseException:
                process.kill()
                raise
            else:
                said = output.decode("utf-8", "replace").strip()
                return (said or f"exit code {process.returncode}") if process.returncode else ""


def telling(said: str) -> list[str]:
    """Four lines of what an installer `said`: from its first error on, else the last; without any address."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = (place for place, line in enumerate(lines) if line.lower().startswith("error"))
    first = next(errors, max(len(lines) - 4, 0))
    return [_ADDRESS.sub("…", line)[:300] for line in lines[first : first + 4]]


def explain(said: str, complaint: str) -> SetupError:
    """The error behind what an installer `said`: a known cause, else the `complaint`."""
    for words, cause, remedy in _CAUSES:
        if re.search(words, said, re.IGNORECASE):
            return SetupError(cause, remedy)
    return SetupError(complaint, "the lines above say why")


def _explain_os_error(error: OSError) -> SetupError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError("the disk is full", "make room and start again")
    where = f"{error.filename}: " if error.filename else ""
    return SetupError(f"{where}{error.strerror}", f"or name another folder to set up in: {FOLDER_VARIABLE}=DIR")


@contextlib.contextmanager
def _mutex(venv: Path) -> Iterator[int]:
    """Hold `venv` alone; its file descriptor, which a child may inherit. The system lets go when all holders end."""
    descriptor = os.open(venv / MUTEX, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _lock(descriptor, wait=False):
            _say(f"Another set-up of {venv} is under way; waiting …")
            _lock(descriptor, wait=True)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                return True
            except OSError:
                if not wait:
                    return False
                time.sleep(1)
    import fcntl  # noqa: PLC0415

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _become(venv: Path) -> None:
    """Run the same words again in `venv`, the interpreter's own options included; never returns."""
    command = [str(_python(venv)), *sys.orig_argv[1:]]
    if not _python(venv).exists() or sys.orig_argv[0] == command[0]:
        raise SetupError(f"{venv} is not an environment that works", "remove it and start again")
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606  there is no shell to want
    sys.exit(subprocess.call(command))  # noqa: S603


def _clear(venv: Path) -> None:
    """Empty `venv`, with a stamp that says so from the first moment on."""
    write_stamp(venv, {})
    for child in venv.iterdir():
        if child.name in (STAMP, MUTEX):
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _writable(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _base_python() -> str:
    """The Python to make environments with: this one, or the one that this environment was made with."""
    # Under `env -i` a Python found through the default path does not know its own name.
    known = (getattr(sys, "_base_executable", ""), sys.executable, f"{sys.base_prefix}/bin/python{_version()}")
    for name in filter(None, known):
        if Path(name).exists():
            return str(name)
    raise SetupError("this Python does not know where it is", "start it by its whole path: /…/python3 -m newsletter")


def _path(venv: Path, name: str) -> Path:
    """A folder of an environment of this Python, by its name in sysconfig."""
    return Path(sysconfig.get_path(name, "venv", {"base": str(venv), "platbase": str(venv)}))


def _python(venv: Path) -> Path:
    return _path(venv, "scripts") / ("python.exe" if os.name == "nt" else "python")


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
