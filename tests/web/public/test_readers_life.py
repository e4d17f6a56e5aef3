"""A reader's way: sign up, confirm, change, pause, move, leave, come back, be erased."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.audience.consent import log_of
from newsletter.audience.subscribers import page
from newsletter.audience.wishes import due_wishes
from newsletter.cli.main import main
from newsletter.publication import find_publication
from newsletter.store.tables import deliveries, subscribers
from newsletter.web.public.house import open_house
from newsletter.web.public.postroom import PostRoom

DEE = "dee@new.example"


def settings_of(town: Any, member: int) -> str:
    """The path of a reader's settings, as the unsubscribe page links to it."""
    page = town.visitor.get(f"/unsubscribe/{town.house.signer.unsubscribe_token(member)}")
    match = re.search(r'href="/letters(/preferences/[^"]+)"', page.text)
    assert match is not None, page.text
    return match[1]


def test_a_sign_up_counts_once_it_is_confirmed_by_its_inbox(town: Any) -> None:
    assert town.visitor.post("/subscribe", {"email": " Dee@new.example "}).status == 200
    assert town.state(DEE) == "nobody"
    link = town.mailed_link()
    assert town.state(DEE) == "pending"
    assert 'method="post"' in town.visitor.get(link).text
    assert town.state(DEE) == "pending"
    assert town.visitor.post(link).status == 200
    assert town.state(DEE) == "active"
    assert town.visitor.post(link).status == 200  # a second press is no error
    with town.store.reading() as connection:
        assert [line["action"] for line in log_of(connection, 4)] == ["asked", "confirmed"]


def test_the_answer_is_the_same_for_every_address(town: Any) -> None:
    addresses = ("ada@reader.example", "cy@reader.example", DEE)
    pages = [
        town.visitor.post(path, {"email": email}).text.replace(email, "X")
        for path in ("/subscribe", "/unsubscribe/")
        for email in addresses
    ]
    assert len(set(pages)) == 2


def test_who_reads_already_is_told_by_mail_and_nothing_changes(town: Any) -> None:
    town.visitor.post("/subscribe", {"email": "ada@reader.example"})
    town.room.work_off()
    assert "You already get" in town.mails()[-1]
    assert town.state("ada@reader.example") == "active"


def test_one_address_gets_three_mails_a_day_however_often_it_is_typed(town: Any) -> None:
    for number in range(9):
        town.visitor.host = f"192.0.2.{number}"
        town.visitor.post("/subscribe", {"email": DEE})
    town.room.work_off()
    assert len(town.mails()) == 3


def test_a_machine_that_fills_every_field_is_thanked_and_ignored(town: Any) -> None:
    page = town.visitor.post("/subscribe", {"email": DEE, "website": "http://spam.example"})
    assert (page.status, town.room.work_off()) == (200, 0)


def test_what_is_no_address_is_said_so(town: Any) -> None:
    page = town.visitor.post("/subscribe", {"email": "dee@@<b>"})
    assert page.status == 422
    assert "dee@@&lt;b&gt;" in page.text


def test_leaving_by_link_takes_a_get_and_a_press(town: Any) -> None:
    link = f"/unsubscribe/{town.house.signer.unsubscribe_token(1)}"
    page = town.visitor.get(link)
    assert "a…@reader.example" in page.text
    assert town.state("ada@reader.example") == "active"
    assert town.visitor.post(link).status == 200
    assert town.state("ada@reader.example") == "unsubscribed"
    assert town.visitor.post(link).status == 200


def test_leaving_by_one_click_is_one_post_under_either_path(town: Any) -> None:
    for path, member in (("/letters/unsubscribe/", 1), ("/unsubscribe/", 2)):
        body = b"List-Unsubscribe=One-Click"
        assert town.visitor.post(path + town.house.signer.unsubscribe_token(member), body=body).status == 200
    assert {town.state("ada@reader.example"), town.state("bo@reader.example")} == {"unsubscribed"}
    with town.store.reading() as connection:
        assert log_of(connection, 1)[-1]["source"] == "one-click of the mail program"


def test_one_click_works_as_often_as_a_mailbox_provider_asks(town: Any) -> None:
    link = f"/unsubscribe/{town.house.signer.unsubscribe_token(1)}"
    visitor = town.visitor
    assert {visitor.post(link, body=b"List-Unsubscribe=One-Click").status for _ in range(400)} == {200}


def test_who_left_comes_back_by_a_new_sign_up_only(town: Any) -> None:
    town.visitor.post("/subscribe", {"email": "cy@reader.example"})
    link = town.mailed_link()
    assert town.state("cy@reader.example") == "unsubscribed"
    town.visitor.post(link)
    assert town.state("cy@reader.example") == "active"


def test_an_old_confirmation_does_not_undo_a_goodbye(town: Any, monkeypatch: Any) -> None:
    town.visitor.post("/subscribe", {"email": DEE})
    link = town.mailed_link()
    town.visitor.post(link)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 2e9)  # no effect on links made before
    with town.store.transaction() as connection:
        from datetime import timedelta

        from newsletter.audience.consent import goodbye

        goodbye(connection, 4, "a test", datetime.now(UTC) + timedelta(seconds=5))
    monkeypatch.undo()
    assert town.visitor.post(link).status == 404
    assert town.state(DEE) == "unsubscribed"


def test_a_lost_link_is_mailed_to_readers_only(town: Any) -> None:
    for email in ("ada@reader.example", "cy@reader.example", "nobody@new.example"):
        town.visitor.post("/unsubscribe/", {"email": email})
    link = town.mailed_link()
    assert len(town.mails()) == 1
    town.visitor.post(link)
    assert town.state("ada@reader.example") == "unsubscribed"


def test_settings_are_kept_and_heeded(town: Any) -> None:
    path = settings_of(town, 1)
    page = town.visitor.post(path, {"do": "save", "every": "0", "pause": "4", "topic": ["jobs", "vip"]})
    assert "Saved." in page.text
    assert re.search(r'value="jobs" checked', page.text)
    assert "vip" not in page.text
    town.publish("one")
    with town.store.reading() as connection:
        query = select(deliveries.c.state, deliveries.c.reason).order_by(deliveries.c.subscriber_id)
        rows = [tuple(row) for row in connection.execute(query)]
    assert rows == [("skipped", "paused"), ("accepted", ""), ("skipped", "unsubscribed")]


def test_one_a_week_is_one_a_week(town: Any) -> None:
    town.visitor.post(settings_of(town, 1), {"do": "save", "every": "7", "pause": "0"})
    town.publish("one")
    town.publish("two")
    with town.store.reading() as connection:
        query = select(deliveries.c.state, deliveries.c.reason).where(deliveries.c.subscriber_id == 1)
        rows = [tuple(row) for row in connection.execute(query.order_by(deliveries.c.broadcast_id))]
    assert rows == [("accepted", ""), ("skipped", "less often")]


def test_an_address_changes_once_the_new_inbox_says_so(town: Any) -> None:
    page = town.visitor.post(settings_of(town, 1), {"do": "move", "email": DEE})
    assert "We have sent a link" in page.text
    link = town.mailed_link()
    assert f"To: {DEE}" in town.mails()[-1]
    town.visitor.get(link)
    assert town.state("ada@reader.example") == "active"
    town.visitor.post(link)
    assert (town.state("ada@reader.example"), town.state(DEE)) == ("nobody", "active")


def test_moving_to_an_address_that_reads_already_leaves_one_of_them(town: Any) -> None:
    town.visitor.post(settings_of(town, 1), {"do": "move", "email": "bo@reader.example"})
    town.visitor.post(town.mailed_link())
    assert (town.state("ada@reader.example"), town.state("bo@reader.example")) == ("unsubscribed", "active")


def test_erasing_leaves_no_trace_of_the_address(town: Any) -> None:
    town.publish("one")
    assert town.visitor.post(settings_of(town, 1), {"do": "erase"}).status == 422
    path = settings_of(town, 1)
    assert "Erased" in town.visitor.post(path, {"do": "erase", "sure": "yes"}).text
    assert town.state("ada@reader.example") == "nobody"
    with town.store.reading() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
        assert "ada@reader" not in dump
        assert connection.execute(select(subscribers.c.id)).scalars().all() == [2, 3]
    assert town.visitor.get(f"/unsubscribe/{town.house.signer.unsubscribe_token(1)}").status == 200


def test_a_link_of_another_purpose_does_nothing(town: Any) -> None:
    unsubscribe = town.house.signer.unsubscribe_token(1)
    preferences = settings_of(town, 1).rsplit("/", 1)[1]
    for purpose, token in (("confirm", unsubscribe), ("preferences", unsubscribe), ("unsubscribe", preferences)):
        assert town.visitor.post(f"/{purpose}/{token}").status == 404
    assert town.state("ada@reader.example") == "active"


def zone_of(town: Any, email: str) -> str:
    with town.store.reading() as connection:
        return str(connection.execute(select(subscribers.c.timezone).where(subscribers.c.email == email)).scalar())


def test_a_form_may_tell_where_the_reader_lives(town: Any) -> None:
    town.visitor.post("/subscribe", {"email": DEE, "timezone": "asia/tokyo"})
    town.visitor.post("/subscribe", {"email": "eve@new.example", "timezone": "<b>Mars</b>"})
    town.room.work_off()
    assert (zone_of(town, DEE), zone_of(town, "eve@new.example")) == ("Asia/Tokyo", "")


def test_settings_ask_where_the_reader_lives_where_issues_come_at_their_time(town: Any) -> None:
    path, ada = settings_of(town, 1), "ada@reader.example"
    change = {"do": "save", "every": "0", "pause": "0", "timezone": "Asia/Tokyo"}
    assert 'name="timezone"' not in town.visitor.post(path, change).text
    assert zone_of(town, ada) == ""
    toml = town.folder / "newsletter.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '[schedule]\nat = "09:00 local"\n', encoding="utf-8")
    town.house = open_house(find_publication(town.folder, town.folder), town.store, lambda: datetime.now(UTC))
    path = settings_of(town, 1)
    assert "<option selected>Asia/Tokyo</option>" in town.visitor.post(path, change).text
    town.visitor.post(path, change | {"timezone": "Mars"})
    assert zone_of(town, ada) == "Asia/Tokyo", "what is no zone changes nothing"
    town.visitor.post(path, change | {"timezone": ""})
    assert zone_of(town, ada) == ""


def test_a_pause_ends_by_itself_and_a_month_is_a_month(town: Any) -> None:
    town.visitor.post(settings_of(town, 1), {"do": "save", "pause": "4"})
    town.visitor.post(settings_of(town, 2), {"do": "save", "every": "30"})
    town.publish("one")
    now = datetime.now(UTC)
    with town.store.reading() as connection:
        mailed = [
            [row.id for row in connection.execute(page(0, 9, "", 9, now + timedelta(days=days))) if not row.reason]
            for days in (1, 27, 29, 30)
        ]
    assert mailed == [[], [], [1], [1, 2]]


def test_a_sign_up_that_nobody_confirms_is_forgotten(town: Any) -> None:
    town.visitor.post("/subscribe", {"email": DEE})
    link = town.mailed_link()
    for days, state in ((6, "pending"), (8, "nobody")):
        town.room.house = replace(town.house, now=lambda late=days: datetime.now(UTC) + timedelta(days=late))
        town.room.tidy()
        assert town.state(DEE) == state
    assert town.visitor.post(link).status == 404  # whose row may still be there, emptied
    assert [town.state(name) for name in ("ada@reader.example", "erased-4@erased.invalid")] == [
        "active",
        "unsubscribed",
    ]


def test_a_link_of_a_week_ago_does_not_confirm(town: Any, monkeypatch: Any) -> None:
    town.visitor.post("/subscribe", {"email": DEE})
    link = town.mailed_link()
    now = time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + 7 * 86400 + 60)
    assert town.visitor.post(link).status == 404
    assert town.state(DEE) == "pending"


def test_a_broken_unsubscribe_link_shows_another_way_out(town: Any) -> None:
    assert 'href="/letters/unsubscribe/"' in town.visitor.get("/unsubscribe/broken").text


@dataclass
class Slow:
    """A provider during whose calls something else happens."""

    inner: Any
    meanwhile: Callable[[], None]

    def prepare(self, message: Any) -> Any:
        post = self.inner.prepare(message)

        def call(recipients: Any, key: str) -> Any:
            self.meanwhile()
            return post(recipients, key)

        return call


def test_of_several_processes_one_answers_a_wish(town: Any) -> None:
    other = PostRoom(town.house, town.room.provider)
    answered = list[int]()
    town.room.provider = Slow(town.room.provider, lambda: answered.append(other.work_off()))
    town.visitor.post("/subscribe", {"email": DEE})
    with town.store.reading() as connection:
        (seen,) = due_wishes(connection, datetime.now(UTC), 9)
    assert town.room.work_off() == 1
    other._answer(seen)  # it saw the wish before the first one took it
    assert (answered, len(town.mails())) == ([0], 1)


def test_a_wish_that_a_process_died_with_is_answered_later_and_once(town: Any) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    outbox = town.room.provider
    town.room.provider = Slow(outbox, die)
    town.visitor.post("/subscribe", {"email": DEE})
    with pytest.raises(KeyboardInterrupt):
        town.room.work_off()
    town.room.provider = outbox
    assert town.room.work_off() == 0
    town.room.house = replace(town.house, now=lambda: datetime.now(UTC) + timedelta(minutes=11))
    assert (town.room.work_off(), town.room.work_off(), len(town.mails())) == (1, 0, 1)
    with town.store.reading() as connection:
        assert [line["action"] for line in log_of(connection, 4)] == ["asked"]


def test_a_readers_request_is_answered_and_then_obeyed(town: Any, capsys: Any) -> None:
    town.publish("one")
    town.visitor.post(settings_of(town, 1), {"do": "save", "every": "7"})
    folder = ["-C", str(town.folder)]
    assert main(["subscribers", "show", "ada@reader.example", *folder]) == 0
    assert re.search(r"preferred.*preference page", capsys.readouterr().out)
    assert main(["subscribers", "show", "ada@reader.example", *folder, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert [line["action"] for line in data["consent"]] == ["preferred"]
    assert [line["slug"] for line in data["deliveries"]] == ["one"]
    assert main(["subscribers", "forget", "ada@reader.example", *folder]) == 0
    capsys.readouterr()
    assert main(["subscribers", "export", *folder]) == 0
    exported = capsys.readouterr().out
    assert exported.startswith("email,")
    assert "ada@" not in exported
