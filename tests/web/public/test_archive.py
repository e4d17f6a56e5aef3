"""The archive as a whole: every link in it leads somewhere, served or as files, and five hundred issues fit."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit
from urllib.request import urlopen

import pytest
from sqlalchemy import select
from visiting import Visitor

from newsletter.store.tables import broadcasts, editions
from newsletter.web.public.reading import PAGE
from newsletter.web.public.shelf import tag_path
from newsletter.web.public.static import build

BASE = "https://test.example/letters/"
TAGS = "ai, a/b, .., ..., C#, 50% off, 日本, 'what?'"
RICH = """

A note[^1] about [the first one](one) and [a section](#part-two) and ![a dot](dot.gif).

## Part two

More.

[^1]: Small print.
"""
DOT = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00"
)
Fetch = Callable[[str], tuple[int, str]]


def links_of(page: str) -> Iterator[str]:
    """All that a page, a feed or a sitemap leads to."""
    for match in re.finditer(r'\s(?:href|src|action|content)="([^"]*)"|<(?:loc|link|guid[^>]*|id)>([^<]*)<', page):
        link = unescape(match[1] if match[1] is not None else match[2])
        if match[1] is None or "content=" not in match[0] or link.startswith("http"):
            yield link


def walk(fetch: Fetch) -> tuple[set[str], set[str]]:
    """Follow every link from the first page on: the addresses that are there, and those that are not."""
    waiting, there, broken = [BASE, f"{BASE}sitemap.xml", f"{BASE}feed.xml", f"{BASE}atom.xml"], set[str](), set[str]()
    pages: dict[str, str] = {}
    while waiting:
        address, fragment = urldefrag(waiting.pop())
        if not address.startswith(BASE):
            continue
        if address not in pages:
            status, pages[address] = fetch(address)
            (there if status == 200 else broken).add(address)
            waiting += [urljoin(address, link) for link in links_of(pages[address])]
        if fragment and f'id="{unquote(fragment)}"' not in pages[address]:
            broken.add(f"{address}#{fragment}")
    return there, broken


def visit(visitor: Visitor, address: str) -> tuple[int, str]:
    page = visitor.get(address.removeprefix("https://test.example"))
    return page.status, page.body.decode("utf-8", "replace")


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """`python -m http.server` on a folder: its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def download(server: str, address: str) -> tuple[int, str]:
    parts = urlsplit(address)
    query = f"?{parts.query}" if parts.query else ""
    try:
        with urlopen(f"{server}{parts.path}{query}", timeout=10) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except HTTPError as error:
        with error:
            return error.code, ""


@pytest.fixture
def shelf(town: Any) -> Any:
    (town.folder / "issues" / "dot.gif").write_bytes(DOT + b"\x01\x00\x00\x02\x02D\x01\x00;")
    town.publish("one", tags=TAGS, body=RICH)
    town.publish("two", tags="ai", body=RICH)
    return town


def test_every_link_leads_somewhere(shelf: Any) -> None:
    from test_public_pages import patient

    there, broken = walk(partial(visit, Visitor(patient(shelf))))
    assert broken == set()
    assert len(there) > 20
    assert {f"{BASE}one/", f"{BASE}one/card.png", f"{BASE}tags/ai/", f"{BASE}subscribe"} <= there


def test_every_link_in_the_files_leads_to_a_file_but_for_the_sign_up(shelf: Any, tmp_path: Path) -> None:
    files = build(shelf.house, tmp_path / "site" / "letters")
    with file_server(tmp_path / "site") as server:
        there, broken = walk(partial(download, server))
    assert broken == {f"{BASE}subscribe"}  # needs a server, as docs/readers.md says
    reached = {tmp_path / "site" / unquote(urlsplit(address).path).lstrip("/") for address in there}
    reached |= {path / "index.html" for path in reached}
    assert {file for file in files if file not in reached} == {
        tmp_path / "site" / "letters" / name for name in ("404.html", "robots.txt")
    }


def test_the_files_are_what_is_served_where_no_server_is_needed(shelf: Any, tmp_path: Path) -> None:
    for file in build(shelf.house, tmp_path / "site"):
        name = file.relative_to(tmp_path / "site").as_posix()
        path = quote("/" + name.removesuffix("index.html"))
        if name == "404.html" or 'role="search"' in shelf.visitor.get(path).body.decode("utf-8", "replace"):
            continue
        assert file.read_bytes() == shelf.visitor.get(path).body, name


@pytest.mark.parametrize("tag", [*TAGS.split(", "), "what?", "a\\b", "\0", "/", "COM1:", "x" * 300, " . "])
def test_a_tag_is_one_step_of_an_address_and_one_folder(tag: str) -> None:
    path = tag_path(tag)
    assert path == tag_path(path)
    assert len(path.encode()) < 256
    assert path.strip(". ")
    assert not set(path) & set('/\\:*?"<>|\0')


def five_hundred(town: Any) -> None:
    """Copies of an issue that was sent."""
    town.publish("one", tags="ai")
    with town.store.transaction() as connection:
        edition = connection.execute(select(editions)).mappings().one()
        sent = connection.execute(select(broadcasts)).mappings().one()
        copies, sendings = [], []
        for number in range(2, 501):
            slug, digest = f"issue-{number}", f"{number:064d}"
            content = json.loads(edition["content"]) | {"slug": slug, "subject": f"About {number}"}
            content["web"] = content["web"].replace("About one", f"About number {number}")
            copies.append({**edition, "slug": slug, "digest": digest, "content": json.dumps(content)})
            at = sent["started_at"] - timedelta(days=number)
            sendings.append({**sent, "id": sent["id"] + number, "slug": slug, "digest": digest, "started_at": at})
        connection.execute(editions.insert(), copies)
        connection.execute(broadcasts.insert(), sendings)
    town.house.shelf.tags_of = lambda: {"one": ("ai",)} | {f"issue-{n}": ("ai",) for n in range(2, 501)}


def test_five_hundred_issues_are_on_pages_that_stay_small(town: Any, tmp_path: Path) -> None:
    five_hundred(town)
    for path in ("", "tags/ai/", "?q=number"):
        seen, where = list[str](), f"/{path}"
        while where:
            page = town.visitor.get(where)
            assert len(page.body) < 50_000
            found = re.findall(r'<h2><a href="/letters/([^"]*)/"', page.text)
            assert 0 < len(found) <= PAGE
            seen += found
            older = re.search(r'rel="next" href="([^"]*)"', page.text)
            where = unescape(older[1]).removeprefix("/letters") if older else ""
        assert len(seen) == len(set(seen)) == (499 if "?" in path else 500)
    for path in ("/page/14/", "/page/0/", "/page/x/", "/tags/ai/page/14/", "/tags/ai/page/-1/", "/?q=number&page=99"):
        assert town.visitor.get(path).status == 404, path
    assert town.visitor.get("/feed.xml").text.count("<item>") == 20
    assert town.visitor.get("/sitemap.xml").text.count("<url>") == 502
