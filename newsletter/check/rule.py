"""What a rule is: a small function that yields hits, and what a person may want to know about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from newsletter.finding import Severity

CONFIG_FILE = "newsletter.toml"  # where a hit belongs that no issue can mend


@dataclass(frozen=True)
class Hit:
    """One place where a rule fires; `file` and `fix` stand in for the issue's file and the rule's own fix."""

    message: str
    line: int | None = None
    column: int | None = None
    fix: str = ""
    file: str = ""


# A rule is given the inspection, and its limit where it has one.
Function = Callable[..., Iterator[Hit]]


@dataclass(frozen=True)
class Rule:
    """One rule: what it is called, how bad a hit is, why it matters, where its threshold comes from, how to mend it.

    `function` is None for what reading and rendering notice themselves; such a rule is here to be explained and set.
    `limit` is its threshold, which `[check]` may set. `needs` names the field of `Known` without which it cannot run.
    An `opt_in` rule runs only where `[check]` gives it a severity.
    """

    id: str
    group: str
    severity: Severity
    title: str
    why: str
    source: str
    fix: str
    function: Function | None = None
    limit: float | None = None
    needs: str = ""
    opt_in: bool = False


def rule(
    id: str, group: str, severity: Severity, title: str, *, why: str, source: str, fix: str,
    limit: float | None = None, needs: str = "", opt_in: bool = False,
) -> Callable[[Function], Rule]:  # fmt: skip
    """Make a Rule of the function below: it takes the inspection (and the limit, if the rule has one), yields hits."""
    return lambda function: Rule(id, group, severity, title, why, source, fix, function, limit, needs, opt_in)
