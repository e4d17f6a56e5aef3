"""Calls of the program in this process, and what a complaint must look like."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from newsletter.cli.main import main

TOML = """\
[publication]
name = "Test"
base_url = "https://test.example"
sender = "Test <test@test.example>"
postal_address = "Street 1, Town"
[schedule]
timezone = "Europe/Berlin"
"""
CONSENT = ("--consent-source", "a test", "--consent-date", "2026-01-01")  # for lists that do not say
ISSUE = """\
---
subject: A first issue about nothing
preheader: What is in it, and why it is worth reading today
author: Ada
status: ready
---

Hello {{ name | default("there") }},

this is a text of some words.
"""


@dataclass(frozen=True)
class Said:
    """What the program said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The last line of stdout, which `--json` makes an object."""
        value: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return value


class Call(Protocol):
    def __call__(self, *words: str | Path, here: bool = True) -> Said: ...


def calling(capfd: pytest.CaptureFixture[str], words: Sequence[str | Path]) -> Said:
    code = main([str(word) for word in words])
    return Said(code, *capfd.readouterr())


def complains(call: Call, code: int, *words: str | Path, of: str = "", here: bool = True) -> Said:
    """Hold that the call fails in one or two lines that say `of`, for people and as exactly one JSON object."""
    said = call(*words, here=here)
    assert said.code == code, said
    assert of in said.err, said.err
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert 1 <= len(said.err.splitlines()) <= 2, said.err
    assert "bug" not in said.err
    machine = call(*words, "--json", here=here)
    assert (machine.code, machine.err, machine.out.count("\n")) == (code, "", 1), machine
    assert machine.data["ok"] is False
    assert set(machine.data["error"]) == {"code", "message", "hint"}
    return said
