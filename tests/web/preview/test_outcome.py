"""What the page promises is what the scheduler would do: asked on real databases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from newsletter.config import ScheduleConfig
from newsletter.errors import NewsletterError
from newsletter.publication import Publication, find_publication
from newsletter.schedule import queue
from newsletter.schedule.queue import Approved
from newsletter.store.database import Store, open_store
from newsletter.store.looking import open_to_look
from newsletter.store.tables import editions
from newsletter.store.tables import queue as queue_table
from newsletter.web.preview.answers import Answers, Question
from newsletter.web.preview.outcome import Outlook, look_ahead, pulse
from newsletter.web.preview.workspace import Workspace
from preview.publications import CONFIG, make_publication, write_issue

NOW = datetime(2026, 11, 24, 20, tzinfo=UTC)  # too late for the slot of that day
SCHEDULE = ScheduleConfig(timezone="Europe/Berlin", approve_by=timedelta(hours=12))


def approved(store: Store, slug: str, now: datetime = NOW, **values: Any) -> None:
    with store.transaction() as connection:
        queue.approve(
            connection,
            edition={"slug": slug, "digest": f"d-{slug}"},
            source_digest="s",
            segment="",
            findings=[],
            by="",
            now=now,
            **{"pinned_to": "", "not_before": "", "number": None} | values,
        )


def ahead(store: Store, objections: Mapping[str, str] = MappingProxyType({}), now: datetime = NOW) -> Outlook:
    with store.reading() as connection:
        return look_ahead(connection, SCHEDULE, now, lambda _: objections)


ISSUES = st.fixed_dictionaries(
    {
        "number": st.one_of(st.none(), st.integers(1, 6)),
        "pinned_to": st.sampled_from(["", "", "2026-12-01", "2026-12-04T09:00"]),
        "not_before": st.sampled_from(["", "", "2026-12-02", "2026-12-08"]),
    }
)


@given(
    st.lists(ISSUES, max_size=6),
    ISSUES,
    st.tuples(st.sets(st.integers(0, 5), max_size=2), st.integers(0, 5), st.booleans()),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_approving_would_bring_is_what_it_brings(
    queue_store: Store, waiting: list[dict[str, Any]], new: dict[str, Any], happened: tuple[set[int], int, bool]
) -> None:
    store, (refused, moved, again) = queue_store, happened
    with store.transaction() as connection:
        for table in (queue_table, editions):
            connection.execute(delete(table))
    for number, values in enumerate(waiting):
        approved(store, f"i{number}", **values)
    if moved < len(waiting):
        with store.transaction() as connection:
            queue.move(connection, f"i{moved}", 1)
    if again:
        approved(store, "new", NOW - timedelta(days=3), **new)
    objections = {f"i{number}": "changed" for number in refused}
    wished = Approved("new", "", "s", 0, False, "", new["pinned_to"], new["not_before"], NOW, "", new["number"])
    promised = ahead(store, objections).if_approved(wished)
    approved(store, "new", **new)
    assert ahead(store, objections).plan.get("new") == promised


@pytest.fixture(scope="module")
def queue_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store("", tmp_path_factory.mktemp("state"))


def desk_of(folder: Path, now: datetime = NOW) -> tuple[Answers, Publication]:
    publication = find_publication(folder)
    return Answers(Workspace(publication, open_store("", publication.state), lambda: now)), publication


def approve(answers: Answers, name: str, now: datetime = NOW) -> None:
    from newsletter.pipeline.approval import approve as freeze

    workspace = answers.workspace
    freeze(workspace.desk(), workspace.store, workspace.proof(name).issue, now)
    workspace.changed(files=False)


def outcome(answers: Answers, name: str) -> dict[str, Any]:
    found: dict[str, Any] = answers.sheet(Question(name))["outcome"]
    return found


def test_an_issue_approved_too_late_is_told_to_miss_its_slot(tmp_path: Path) -> None:
    folder = make_publication(tmp_path / "letters")
    (folder / "newsletter.toml").write_text(CONFIG.replace("[schedule]\n", '[schedule]\napprove_by = "12h"\n'))
    late = datetime(2026, 11, 26, 22, tzinfo=UTC)  # ten hours before the slot
    answers, _ = desk_of(folder, late)
    assert "2026-12-01" in outcome(answers, "001-one.md")["slot"]["text"]
    approve(answers, "001-one.md", late)
    told = outcome(answers, "001-one.md")
    assert "2026-12-01" in told["slot"]["text"]
    assert "misses the next slot: it was approved at 2026-11-26 23:00, after [schedule] approve_by" in told["sentence"]
    assert told["changeable"].startswith("until Monday 2026-11-30 21:00")
    answers.store.close()


def test_an_issue_that_changed_is_passed_over_and_the_next_takes_its_slot(tmp_path: Path) -> None:
    folder = make_publication(tmp_path / "letters")
    answers, _ = desk_of(folder)
    for name in ("001-one.md", "002-two.md"):
        approve(answers, name)
    assert "2026-12-01" in outcome(answers, "002-two.md")["slot"]["text"]
    write_issue(folder, "001-one.md", "One", "\n\nA change.\n")
    answers.workspace.changed()
    assert "2026-11-27" in outcome(answers, "002-two.md")["slot"]["text"]
    told = outcome(answers, "001-one.md")
    assert told["sentence"].startswith("It changed since its approval and will be passed over.")
    assert "2026-11-27" in told["slot"]["text"], "approved again it keeps its place"
    board = answers.board()
    assert board["next_issue"] == "two"
    assert [issue["state"] for issue in board["issues"]] == ["changed", "queued", "ready"]
    again = next(action for action in answers.sheet(Question("001-one.md"))["actions"] if action["id"] == "approve")
    assert again["blocked"] == ""
    answers.store.close()


def test_a_snippet_that_changed_counts_as_a_change_of_each_issue_that_has_it(tmp_path: Path) -> None:
    folder = make_publication(tmp_path / "letters")
    (folder / "snippets").mkdir()
    (folder / "snippets" / "bye.md").write_text("Until Friday.\n", encoding="utf-8")
    write_issue(folder, "001-one.md", "One", "\n{{ snippet: bye }}\n")
    answers, _ = desk_of(folder)
    approve(answers, "001-one.md")
    assert answers.board()["issues"][0]["state"] == "queued"
    (folder / "snippets" / "bye.md").write_text("Until Tuesday. TODO\n", encoding="utf-8")
    answers.workspace.changed()
    sheet = answers.sheet(Question("001-one.md"))
    assert sheet["state"] == "changed"
    (todo,) = [finding for finding in sheet["findings"] if "TODO" in finding["message"]]
    assert todo["place"] == "snippets/bye.md:1:16"
    assert todo["open"] == f"vscode://file{folder}/snippets/bye.md:1:16"
    assert todo["seek"]["text"] == "Until Tuesday. TODO"
    answers.store.close()


def test_where_the_scheduler_approves_by_itself_the_page_says_so(tmp_path: Path) -> None:
    folder = make_publication(tmp_path / "letters")
    (folder / "newsletter.toml").write_text(CONFIG.replace("[schedule]\n", "[schedule]\nrequire_approval = false\n"))
    answers, _ = desk_of(folder)
    assert "The scheduler approves what is ready by itself" in outcome(answers, "001-one.md")["sentence"]
    answers.store.close()


def test_the_pulse_of_a_database_elsewhere_changes_with_the_queue_and_only_then(store: Store) -> None:
    def beat() -> object:
        with store.reading() as connection:
            return pulse(connection)

    first = beat()
    assert beat() == first
    approved(store, "one")
    second = beat()
    assert second != first
    with store.transaction() as connection:
        queue.hold(connection, "one", held=True)
    assert beat() not in (first, second)


def test_a_database_is_looked_at_without_a_trace_and_an_older_one_says_what_to_do(tmp_path: Path) -> None:
    assert open_to_look("", tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    store = open_store("", tmp_path)
    approved(store, "one")
    seen = open_to_look("", tmp_path)
    assert seen is not None
    approved(store, "two")
    with seen.reading() as connection:
        assert [issue.slug for issue in queue.approved(connection)] == ["one", "two"]
    with pytest.raises(NewsletterError, match="readonly"), seen.transaction() as connection:
        queue.remove(connection, "one")
    store.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"newsletter.db"}
    with seen.reading() as connection:
        assert len(queue.approved(connection)) == 2
    seen.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
