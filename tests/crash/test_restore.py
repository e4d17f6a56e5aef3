"""A backup of the middle of a broadcast, taken and restored through the real command line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .place import ended, make_place
from .provider import running_provider

READERS = 240


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_restored_to_the_middle_of_a_broadcast_nobody_gets_it_twice(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if database == "postgresql" else ""
    with running_provider(tmp_path / "provider") as provider:
        place = make_place(
            tmp_path / "publication", provider.url, recipients=READERS, batch_size=5, issues=2, database_url=url
        )
        toml = place.folder / "newsletter.toml"  # slow enough for another process to be started meanwhile
        toml.write_text(toml.read_text().replace("requests_per_second = 500", "requests_per_second = 4"))
        readers = int(place.run("send", "word-1", "--dry-run").data["readers"])
        process = place.start("send", "word-1", "--now", "--confirm", f"word-1:{readers}")
        while provider.accepted() < 50:
            assert process.poll() is None, ended(process)
            time.sleep(0.005)
        backup = str(place.run("db", "backup").data["file"])
        assert process.poll() is None, "it was over too soon to prove anything"
        assert ended(process).code == 0
        assert place.run("approve", "word-2").code == 0
        once = provider.inboxes()
        assert (once.total(), max(once.values())) == (readers, 1)

        refused = place.run("db", "restore", backup)
        assert (refused.code, refused.answer["error"]["code"]) == (5, "refused")
        told = place.run("db", "restore", backup, "--confirm").data
        (report,) = told["unfinished"]
        assert 0 < report["deliveries"]["unknown"] < readers
        for moment in ("2026-11-24T09:00", "2026-11-27T09:00"):
            assert place.run("scheduler", "once", "--now", moment).code == 0
        assert place.run("resume").code == 0
        assert place.run("scheduler", "once", "--now", "2026-12-01T09:00").code == 0
        assert place.run("send", "word-1", "--resume").code == 7
        assert provider.inboxes() == once
        done = place.run("send", "word-1", "--resume", "--unknown", "skip").data
        assert (done["state"], provider.inboxes()) == ("sent", once)
