"""`compose.yaml` and `Containerfile` say what the program takes, and hold no secret."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pages import ROOT
from test_docs import parse

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "newsletter"}


@pytest.mark.parametrize("name", OURS)
def test_each_process_runs_a_command_that_there_is_and_answers_where_it_is_asked(name: str) -> None:
    service = OURS[name]
    parse(service["command"])
    port = service["command"][-1]
    assert f"127.0.0.1:{port}/health" in service["healthcheck"]["test"][-1]
    assert (service["read_only"], service["cap_drop"], service["build"]["dockerfile"]) == (
        True,
        ["ALL"],
        "Containerfile",
    )


def test_web_scheduler_workers_and_a_database_that_only_they_reach() -> None:
    assert set(OURS) == {"web", "scheduler", "worker"}
    assert COMPOSE["services"]["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:8651:8651"]


def test_secrets_are_files_or_come_from_outside() -> None:
    for service in COMPOSE["services"].values():
        for key, value in service["environment"].items():
            if re.search("KEY|PASSWORD|SECRET|TOKEN", key):
                assert value.startswith(("/run/secrets/", "${")), key


def test_the_image_is_made_from_what_it_needs_and_runs_as_nobody_in_particular() -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert "USER 10001" in lines
    assert not any(re.search("KEY|PASSWORD|SECRET|TOKEN", line) for line in lines)
    copied = [word for line in lines if line.startswith("COPY") and "--from" not in line for word in line.split()[1:-1]]
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{word}" for word in copied} == {line for line in ignored if line.startswith("!")}
    assert all((ROOT / word).exists() for word in copied)
    assert (ROOT / ".dockerignore").read_bytes() == (ROOT / ".containerignore").read_bytes()
