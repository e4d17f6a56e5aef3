"""The public pages: looking changes nothing, nothing breaks them, and they say what they should."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from visiting import Visitor

from newsletter.audience.tokens import CONFIRM, GO, MOVE, PREFERENCES
from newsletter.cli.main import main
from newsletter.web.public.app import ROUTES
from newsletter.web.public.limits import Limit, Limits, network_of
from newsletter.web.public.static import build

ATOM = "{http://www.w3.org/2005/Atom}"
MEASURED = ('INSERT INTO "clicks"', 'INSERT INTO "opens"')  # no state: docs/decisions/0014-measuring-is-no-state.md


def dump(town: Any) -> str:
    with town.store.reading() as connection:
        lines = connection.connection.driver_connection.iterdump()
        return "\n".join(line for line in lines if not line.startswith(MEASURED))


def tokens(town: Any) -> list[str]:
    """A good token of each purpose for each reader, and others."""
    signer = town.house.signer
    made = [signer.unsubscribe_token(number) for number in (1, 2, 3, 99)]
    values = (1, 3, 99, "1", None, [1, "new@new.example"], [1], {"a": 1})
    made += [signer.token(purpose, value) for purpose in (CONFIRM, MOVE, PREFERENCES, GO) for value in values]
    made += [signer.measuring_token(1, 1), signer.measuring_token(99, 1)]
    return [*made, "test", "one", "ai", "2", "0", "99999999999999999999", "..", "é", "x" * 3000]


@pytest.mark.parametrize("town", ["[tracking]\nclicks = true\nopens = true\n"], indirect=True)
def test_no_get_of_any_route_with_any_token_changes_the_database(town: Any) -> None:
    town.publish("one")
    town.visitor.post("/subscribe", {"email": "dee@new.example"})
    town.room.work_off()
    visitor, before = Visitor(patient(town)), dump(town)
    for (path, _, _), token in product(ROUTES, tokens(town)):
        for method in ("GET", "HEAD"):
            page = visitor.ask(method, re.sub(r"\{[^}]*\}", token, path))
            assert page.status < 500, (path, token)
    town.house.tally.write()
    assert dump(town) == before
    assert town.room.work_off() == 0


def patient(town: Any) -> Any:
    """The house without limits."""
    return replace(town.house, limits=Limits(*(Limit(1e9, 1e9) for _ in range(3))))


def test_the_archive_lists_what_was_sent_to_everybody(town: Any) -> None:
    assert "being written" in town.visitor.get("/").text
    town.publish("one", tags="ai, a/b")
    town.publish("two")
    with town.store.transaction() as connection:
        from newsletter.audience.consent import tag

        tag(connection, 2, {"vip"})
    town.publish("secret", segment="vip")
    text = town.visitor.get("/").text
    assert text.index("About two") < text.index("About one")
    assert "secret" not in text
    assert town.visitor.get("/secret/").status == 200  # the link in its mails works
    assert town.visitor.get("/secret/").headers["x-robots-tag"] == "noindex"
    assert town.visitor.get("/letters/one/").body == town.visitor.get("/one/").body
    assert town.visitor.get("/nothing/").status == 404
    assert "About one" in town.visitor.get("/tags/a%2Fb/").text
    assert "About two" not in town.visitor.get("/tags/a%2Fb/").text
    assert town.visitor.get("/tags/zzz/").status == 404


def test_a_search_finds_words_and_says_when_there_are_none(town: Any) -> None:
    town.publish("one")
    assert 'href="/letters/one/"' in town.visitor.get("/?q=ZANZI+one").text
    page = town.visitor.get("/?q=%3Cscript%3E")
    assert "No issue has these words" in page.text
    assert "<script>" not in page.text


def test_an_address_without_its_slash_leads_to_ours_and_nowhere_else(town: Any) -> None:
    town.publish("one")
    page = town.visitor.get("/one", Host="evil.example", X_Forwarded_Host="evil.example")
    assert (page.status, page.headers["location"]) == (308, "/letters/one/")
    for path in ("//evil.example", "/%2F%2Fevil.example", "/\\evil.example", "/one?next=//evil.example"):
        assert "evil" not in town.visitor.get(path).headers.get("location", "")


def test_feeds_and_sitemap_are_what_they_claim_to_be(town: Any) -> None:
    town.publish("one", tags="ai & co")
    rss = ET.fromstring(town.visitor.get("/feed.xml").body)
    item = rss.find("channel/item")
    assert item is not None
    assert [item.findtext(name) for name in ("title", "link", "guid", "category")] == [
        "About one",
        "https://test.example/letters/one/",
        "https://test.example/letters/one/",
        "ai & co",
    ]
    assert "zanzibar &amp; <b>more" in (item.findtext("{http://purl.org/rss/1.0/modules/content/}encoded") or "")
    atom = ET.fromstring(town.visitor.get("/atom.xml").body)
    assert [atom.tag, atom.findtext(f"{ATOM}entry/{ATOM}title")] == [f"{ATOM}feed", "About one"]
    for needed in ("id", "updated", "title", "author"):
        assert atom.find(f"{ATOM}{needed}") is not None
    feed = json.loads(town.visitor.get("/feed.json").body)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["items"][0]["date_published"].endswith("Z")
    places = ET.fromstring(town.visitor.get("/sitemap.xml").body)
    assert [place[0].text for place in places] == [
        "https://test.example/letters/",
        "https://test.example/letters/one/",
        "https://test.example/letters/tags/ai%20%26%20co/",
    ]


def test_every_page_is_small_has_no_script_and_shuts_the_others_out(town: Any) -> None:
    town.publish("one")
    signer = town.house.signer
    paths = ["/", "/one/", "/subscribe", "/unsubscribe/", f"/unsubscribe/{signer.unsubscribe_token(1)}", "/nope"]
    paths += [f"/preferences/{signer.token(PREFERENCES, 1)}", f"/confirm/{signer.token(CONFIRM, 1)}"]
    for path in paths:
        page = town.visitor.get(path)
        assert len(page.body) < 50_000
        assert "<script" not in page.text.replace('<script type="application/ld+json">', "")  # data, not a script
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        private = path not in ("/", "/one/", "/subscribe")
        assert (page.headers["cache-control"] == "no-store") is private, path
        assert page.headers["strict-transport-security"]
    assert "frame-ancestors *" in town.visitor.get("/subscribe/embed").headers["content-security-policy"]


def test_a_page_that_did_not_change_is_not_sent_again(town: Any) -> None:
    page = town.visitor.get("/")
    again = town.visitor.get("/", If_None_Match=page.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_who_asks_too_often_is_told_to_wait(town: Any) -> None:
    visitor = town.visitor
    answers = [visitor.post("/subscribe", {"email": f"r{n}@new.example"}) for n in range(12)]
    assert [page.status for page in answers] == [200] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    visitor.host = "192.0.2.99"
    assert visitor.post("/subscribe", {"email": "x@new.example"}).status == 200


def test_whoever_guesses_links_is_slowed_down(town: Any) -> None:
    visitor = town.visitor
    assert {visitor.get(f"/unsubscribe/guess{n}").status for n in range(40)} == {404, 429}


def test_what_is_too_large_is_refused_before_it_is_read_whole(town: Any) -> None:
    assert town.visitor.post("/subscribe", body=b"x" * 20_000).status == 413
    assert town.visitor.get("/" + "x" * 5000).status == 414


def test_one_customer_of_a_network_is_one_however_many_addresses_they_have() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("nonsense") == "unknown"


def test_a_limit_fills_again_with_time() -> None:
    now = [0.0]
    limit = Limit(2, 0.5, lambda: now[0])
    assert [limit.wait("a"), limit.wait("a"), limit.wait("a"), limit.wait("b")] == [0.0, 0.0, 2.0, 0.0]
    now[0] = 2.0
    assert limit.wait("a") == 0.0


def test_the_static_archive_is_the_same_pages_without_what_needs_a_server(town: Any, tmp_path: Path) -> None:
    town.publish("one", tags="ai, a/b, ..")
    files = {file.relative_to(tmp_path / "site").as_posix() for file in build(town.house, tmp_path / "site")}
    assert files >= {"index.html", "one/index.html", "tags/ai/index.html", "feed.xml", "sitemap.xml", "404.html"}
    assert (tmp_path / "site" / "one" / "index.html").read_bytes() == town.visitor.get("/one/").body
    assert "Issues about" not in (tmp_path / "site" / "index.html").read_text()
    assert 'role="search"' not in (tmp_path / "site" / "index.html").read_text()
    assert all((tmp_path / "site").resolve() in file.resolve().parents for file in build(town.house, tmp_path / "site"))


def test_the_archive_is_built_from_the_command_line(town: Any, tmp_path: Path, capsys: Any) -> None:
    town.publish("one")
    assert main(["archive", "build", "-o", str(tmp_path / "site"), "-C", str(town.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["files"]


@pytest.mark.parametrize("path", ["/", "/one/", "/subscribe"])
def test_a_head_request_has_the_headers_and_no_body(town: Any, path: str) -> None:
    town.publish("one")
    page = town.visitor.ask("HEAD", path)
    assert page.status == 200
    assert page.headers["etag"] == town.visitor.get(path).headers["etag"]


def test_the_pictures_of_an_issue_are_where_its_mails_and_page_look_for_them(town: Any, tmp_path: Path) -> None:
    dot = b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    (town.folder / "issues" / "dot.png").write_bytes(base64.b64decode(dot))
    town.publish("one", body="![A dot](dot.png)")
    page = town.visitor.get("/one/").text
    (source,) = re.findall(r'src="(images/[^"]+)"', page)
    picture = town.visitor.get(f"/one/{source}")
    assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
    assert picture.body.startswith(b"\x89PNG")
    assert f"https://test.example/letters/one/{source}" in town.visitor.get("/feed.xml").text
    assert town.visitor.get("/one/images/other.png").status == 404
    build(town.house, tmp_path / "site")
    assert (tmp_path / "site" / "one" / source).read_bytes() == picture.body


def test_whoever_reads_far_too_fast_waits_and_pictures_in_mails_do_not(town: Any) -> None:
    visitor = Visitor(replace(town.house, limits=Limits(reading=Limit(5, 0.001))))
    assert [visitor.get("/robots.txt").status for _ in range(7)] == [200] * 5 + [429] * 2
    assert visitor.get("/one/images/x.png").status == 404
