"""Rules of others: from installed packages, and from `checks/*.py` in the publication.

    # checks/house.py
    from newsletter.check.registry import Hit, Severity, rule

    @rule("house-no-robots", "house", Severity.WARNING, "The word robot",
          why="We say program.", source="our style guide", fix="say program")
    def no_robots(inspection):
        for start, text in inspection.paragraphs:
            if "robot" in text:
                yield Hit("we say program", *inspection.at(start + text.index("robot")))

A package names the module with such rules in its entry points, group `newsletter.checks`. What cannot be loaded is a
finding, and the other rules run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from newsletter.check.rule import Rule
from newsletter.finding import Finding, Severity

ENTRY_POINTS = "newsletter.checks"
FOLDER = "checks"

FAILED = Rule(
    "plugin-failed", "checks", Severity.WARNING, "A file or package with rules that cannot be loaded",
    why="What its rules were to find may be there all the same.",
    source="our own: docs/checks.md, rules of your own",
    fix="correct it, or take it away",
)  # fmt: skip


def load_rules(publication: Path, known: Iterable[Rule]) -> tuple[tuple[Rule, ...], tuple[Finding, ...]]:
    """The rules of all plugins, and a finding for each plugin that fails or names a rule that there is already.

    Runs the code of installed packages and of the publication: who may write these files may do anything.
    """
    rules: dict[str, Rule] = {}
    findings: list[Finding] = []
    taken = {rule.id for rule in known}
    for name, load in (*_packages(), *_files(publication / FOLDER)):
        try:
            found = _rules_in(load())
        except (Exception, SystemExit) as error:  # whatever a plugin does, the others still have their say
            findings.append(_failure(name, f"cannot be loaded: {type(error).__name__}: {error}"))
            continue
        for rule in found:
            if rule.id in taken:
                findings.append(_failure(name, f'there is a rule "{rule.id}" already'))
            else:
                taken.add(rule.id)
                rules[rule.id] = rule
    return tuple(rules.values()), tuple(findings)


def _packages() -> Iterator[tuple[str, Callable[[], object]]]:
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        yield f"{point.name} ({point.value})", point.load


def _files(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    for path in sorted(folder.glob("*.py")) if folder.is_dir() else ():
        if not path.name.startswith("_"):
            yield f"{FOLDER}/{path.name}", lambda path=path: _run(path)  # type: ignore[misc]


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"newsletter_checks_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _rules_in(loaded: object) -> list[Rule]:
    """The rules of a module, or a rule, or several in a list."""
    values = vars(loaded).values() if isinstance(loaded, ModuleType) else loaded
    values = [values] if isinstance(values, Rule) else values
    if not isinstance(values, Iterable):
        raise TypeError("expected a module, a rule or a list of rules")
    return list(dict.fromkeys(value for value in values if isinstance(value, Rule)))


def _failure(name: str, message: str) -> Finding:
    file = name if name.startswith(f"{FOLDER}/") else ""
    return Finding(FAILED.id, FAILED.severity, f"{name}: {message}"[:300], file, fix=FAILED.fix)
