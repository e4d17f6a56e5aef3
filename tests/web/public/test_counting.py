"""Clicks and opens: off unless asked for, first-party, honest, and never of who objects."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_string, policy
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.audience.erasure import forget
from newsletter.audience.listing import count, everything
from newsletter.store.tables import clicks, opens, subscribers

BASE = "https://test.example/letters"
BODY = """
See [one](https://one.example/a?x=1&y=2#part), [two](https://two.example/ü), [three](https://three.example),
[mine]({{ unsubscribe_url }}) and [four](https://four.example/?who={{ name }}).
"""
ON = "[tracking]\nclicks = true\nopens = true\n"
on = pytest.mark.parametrize("town", [ON], indirect=True)
PERSON = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def part(mail: str, kind: str) -> str:
    message = message_from_string(mail, policy=policy.default)
    found = message.get_body((kind,))  # type: ignore[attr-defined]
    assert found is not None
    return str(found.get_content())


def mail_to(town: Any, name: str) -> str:
    return next(mail for mail in town.mails() if re.search(rf"^To:.*{name}@", mail, re.M))


def links(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'<a[^>]*? href="([^"]*)"', html)]


def later(town: Any, **span: float) -> None:
    """Some time goes by on the pages."""
    moment = town.house.now() + timedelta(**span)
    town.house = replace(town.house, now=lambda: moment)


def rows(town: Any, table: Any) -> list[Any]:
    town.house.tally.write()
    with town.store.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))


def test_nothing_is_measured_unless_the_configuration_says_so(town: Any) -> None:
    town.publish("one", body=BODY)
    mail = mail_to(town, "ada")
    assert "https://one.example/a?x=1&y=2#part" in links(part(mail, "html"))
    assert f"{BASE}/c/" not in part(mail, "html")
    assert f"{BASE}/o/" not in part(mail, "html")
    assert "count" not in part(mail, "plain")
    token = town.house.signer.measuring_token(1, 1)
    assert town.visitor.get(f"/o/{token}.gif").status == 200
    assert not rows(town, opens)


@on
def test_a_click_leads_where_the_link_says_and_is_counted(town: Any) -> None:
    town.publish("one", body=BODY)
    found = links(part(mail_to(town, "ada"), "html"))
    (link,) = [link for link in found if "one.example" in link]
    assert re.fullmatch(rf"{BASE}/c/[\w.-]+\?https://one\.example/a\?x=1&y=2#part", link)
    later(town, minutes=5)
    page = town.visitor.ask("GET", link.removeprefix(BASE).partition("#")[0], headers=PERSON)
    assert (page.status, page.headers["location"]) == (302, "https://one.example/a?x=1&y=2#part")
    assert "no-store" in page.headers["cache-control"]
    assert "set-cookie" not in page.headers
    ((_, broadcast, reader, where, _, machine),) = rows(town, clicks)
    assert (broadcast, reader, where, machine) == (1, 1, "https://one.example/a?x=1&y=2#part", "")
    with town.store.reading() as connection:
        assert count(connection, "clicked:1d", town.house.now()) == 1
        assert count(connection, "opened:1d", town.house.now()) == 1


@on
def test_a_link_goes_to_what_stands_in_the_edition_and_nowhere_else(town: Any) -> None:
    town.publish("one", body=BODY)
    token = town.house.signer.measuring_token(1, 1)
    for target in ("https://evil.example/", "//evil.example", "https://one.example/", "", "https://one.example/a?x=1"):
        assert town.visitor.get(f"/c/{token}?{target}").status == 404
    for forged in (town.house.signer.unsubscribe_token(1), f"{token}x", "test", "é"):
        assert town.visitor.get(f"/c/{forged}?https://three.example").status == 404
    assert town.visitor.get(f"/c/{town.house.signer.measuring_token(9, 1)}?https://three.example").status == 404
    assert (
        town.visitor.get(f"/c/{token}?https://two.example/%C3%BC").headers["location"] == "https://two.example/%C3%BC"
    )
    assert town.visitor.post(f"/c/{token}?https://three.example", {}).status == 405


@on
def test_ways_out_and_personal_addresses_are_not_measured_nor_is_the_text_part(town: Any) -> None:
    town.publish("one", body=BODY)
    mail = mail_to(town, "ada")
    found = links(part(mail, "html"))
    assert sum(f"{BASE}/unsubscribe/" in link for link in found) == 3  # the author's, the footer's, the objection
    assert not any("unsubscribe" in link for link in found if "/c/" in link)
    assert any(link.startswith("https://four.example") for link in found)
    assert "/c/" not in part(mail, "plain")
    assert "/c/" not in str(message_from_string(mail)["List-Unsubscribe"])


@on
def test_the_footer_says_what_is_counted_and_how_to_object(town: Any) -> None:
    town.publish("one", body=BODY)
    mail = mail_to(town, "ada")
    for kind in ("html", "plain"):
        text = " ".join(part(mail, kind).split())
        assert "We count which links you open." in text
        assert "We count when this email is opened." in text
    (objection,) = [link for link in links(part(mail, "html")) if link.endswith("?settings")]
    page = town.visitor.get(objection.removeprefix(BASE))
    assert page.status == 302
    settings = page.headers["location"].removeprefix("/letters")
    assert 'name="uncounted"' in town.visitor.get(settings).text
    town.visitor.get(f"/o/{town.house.signer.measuring_token(1, 1)}.gif")
    assert len(rows(town, opens)) == 1
    town.visitor.post(settings, {"do": "save", "every": "0", "pause": "0", "uncounted": "yes"})
    assert rows(town, opens)[0].subscriber_id is None  # what was measured is nobody's any more
    town.visitor.get(f"/o/{town.house.signer.measuring_token(1, 1)}.gif")
    assert len(rows(town, opens)) == 1

    town.publish("two", body=BODY)
    html = part(next(mail for mail in reversed(town.mails()) if re.search(r"^To:.*ada@", mail, re.M)), "html")
    assert "https://three.example" in links(html)
    assert f"{BASE}/c/" not in html
    assert f"{BASE}/o/" not in html


@on
def test_who_objects_between_planning_and_a_repeat_changes_no_byte_of_the_call(town: Any) -> None:
    from newsletter.store.tables import deliveries

    town.publish("one", body=BODY)
    with town.store.transaction() as connection:
        connection.execute(subscribers.update().values(measured=False))
        assert set(connection.execute(select(deliveries.c.measured)).scalars()) == {True}


@on
def test_machines_are_counted_apart(town: Any) -> None:
    town.publish("one", body=BODY)
    token = town.house.signer.measuring_token(1, 1)
    link = f"/c/{token}?https://three.example"
    town.visitor.ask("GET", link, headers=PERSON)  # within seconds of the delivery
    later(town, minutes=5)
    town.visitor.ask("HEAD", link, headers=PERSON)
    town.visitor.ask("GET", link, headers={"user-agent": "Barracuda Sentinel (EE)"})
    town.visitor.ask("GET", link, headers=PERSON | {"sec-purpose": "prefetch;prerender"})
    assert [row.machine for row in rows(town, clicks)] == ["early", "head", "agent", "prefetch"]
    for agent in ("Mozilla/5.0", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "YahooMailProxy; x", *PERSON.values()):
        town.visitor.ask("GET", f"/o/{token}.gif", headers={"user-agent": agent})
    assert [row.machine for row in rows(town, opens)] == ["apple", "google", "yahoo", ""]
    with town.store.reading() as connection:
        assert count(connection, "clicked:1d", town.house.now()) == 0


@on
def test_a_scanner_that_follows_every_link_at_once_is_no_reader(town: Any) -> None:
    town.publish("one", body=BODY + "".join(f"[{n}](https://{n}.example) " for n in range(5)))
    later(town, minutes=5)
    for link in links(part(mail_to(town, "ada"), "html")):
        if "/c/" in link:
            town.visitor.ask("GET", link.removeprefix(BASE).partition("#")[0], headers=PERSON)
    found = rows(town, clicks)
    assert len(found) >= 8
    assert {row.machine for row in found} == {"burst"}


@on
def test_the_counts_outlive_an_erasure_and_a_reader_can_see_them_before(town: Any) -> None:
    town.publish("one", body=BODY)
    town.visitor.get(f"/c/{town.house.signer.measuring_token(1, 1)}?https://three.example")
    rows(town, clicks)
    with town.store.transaction() as connection:
        stored = everything(connection, "ada@reader.example")
        assert stored is not None
        assert [line["link"] for line in stored["clicks"]] == ["https://three.example"]
        forget(connection, "ada@reader.example", town.house.now())
    assert [row.subscriber_id for row in rows(town, clicks)] == [None]


@on
def test_very_many_clicks_of_one_reader_do_not_fill_the_disk(town: Any) -> None:
    town.publish("one", body=BODY)
    for _ in range(50):
        page = town.visitor.get(f"/c/{town.house.signer.measuring_token(1, 1)}?https://three.example")
        assert page.status == 302
    assert len(rows(town, clicks)) < 40


@on
def test_what_was_told_is_written_before_the_end(town: Any) -> None:
    town.publish("one", body=BODY)
    town.house.tally.start()
    town.visitor.get(f"/o/{town.house.signer.measuring_token(1, 1)}.gif")
    town.house.tally.stop()
    with town.store.reading() as connection:
        assert len(connection.execute(select(opens.c.id)).all()) == 1
