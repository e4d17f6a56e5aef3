"""Exports of other programs, made by us in their formats, become issues."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.errors import NewsletterError, UsageError
from newsletter.moving.opening import PROGRAMS, open_source
from newsletter.moving.planning import Arrival, Plan, plan

EXPORTS = Path(__file__).with_name("exports")
ZONE = ZoneInfo("Europe/Tallinn")


def planned(name: str | Path, home: str = "", taken: set[str] | None = None) -> Plan:
    return plan(open_source(EXPORTS / name), taken or set(), 0, ZONE, home)


def text_of(found: Plan, slug: str) -> str:
    return next(arrival for arrival in found.arrivals if arrival.slug == slug).text


def notes_of(found: Plan, slug: str) -> str:
    return "\n".join(next(arrival for arrival in found.arrivals if arrival.slug == slug).notes)


@pytest.mark.parametrize(
    ("name", "program", "slugs", "drafts"),
    [
        ("substack", "substack", ["the-first-light", "why-keepers-kept-bees", "unfinished"], ["unfinished"]),
        ("ghost.json", "ghost", ["the-first-light", "bees", "fog"], ["fog"]),
        ("beehiiv.csv", "beehiiv", ["the-first-light", "bees"], ["bees"]),
        ("buttondown", "buttondown", ["the-first-light", "bees", "fog"], ["fog"]),
        ("jekyll", "jekyll", ["the-first-light", "bees", "fog"], ["fog"]),
        ("hugo", "hugo", ["the-first-light", "tides"], ["tides"]),
        ("pelican", "pelican", ["the-first-light", "bees"], ["bees"]),
    ],
)
def test_each_export_is_known_by_its_files_and_comes_in_the_order_of_its_dates(
    name: str, program: str, slugs: list[str], drafts: list[str]
) -> None:
    found = planned(name)
    assert open_source(EXPORTS / name).program == program
    assert [arrival.slug for arrival in found.arrivals] == slugs
    assert [arrival.file for arrival in found.arrivals] == [f"{n:03d}-{slug}.md" for n, slug in enumerate(slugs, 1)]
    assert [arrival.slug for arrival in found.arrivals if "status: draft" in arrival.text] == drafts
    assert "date: 2024-03-05\n" in text_of(found, "the-first-light")


@pytest.mark.parametrize("name", ["substack", "buttondown", "jekyll"])
def test_an_export_that_is_a_zip_comes_as_its_folder_does(name: str, tmp_path: Path) -> None:
    whole = tmp_path / "export.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for file in sorted((EXPORTS / name).rglob("*")):
            if file.is_file():
                archive.write(file, f"my-export/{file.relative_to(EXPORTS / name)}")
        archive.writestr("my-export/../../evil.md", "---\ntitle: Evil\n---\n")
    assert [vars(arrival) for arrival in planned(whole).arrivals] == [vars(a) for a in planned(name).arrivals]


def test_substacks_machinery_is_left_out_and_its_footnotes_stay() -> None:
    text = text_of(planned("substack"), "the-first-light")
    assert "since **1531**[^1], first" in text
    assert "[^1]: The tower is older than its fire, by 27 years." in text
    assert "![A white tower among pines](https://substackcdn.com/image/fetch/tower.jpeg)\n\n*The tower in 1845*" in text
    assert "- oil\n" in text
    assert "hemp oil first" in text
    for word in ("Subscribe", "Share", "Type your email", "button"):
        assert word not in text


def test_links_among_the_posts_lead_to_their_new_files() -> None:
    substack = "https://keepers.substack.com"
    for name, slug, home, link in [
        ("substack", "why-keepers-kept-bees", substack, "[the first issue](001-the-first-light.md)"),
        ("ghost.json", "the-first-light", "", "[bees](002-bees.md)"),
        ("jekyll", "the-first-light", "", "[bees](002-bees.md)"),
        ("jekyll", "bees", "", "[the first](001-the-first-light.md#wood)"),
        ("hugo", "the-first-light", "", "[tides](002-tides.md)"),
        ("pelican", "the-first-light", "", "[bees](002-bees.md)"),
        ("buttondown", "bees", "https://buttondown.com/keepers", "[the first](001-the-first-light.md)"),
    ]:  # fmt: skip
        assert link in text_of(planned(name, home), slug), name


def test_links_to_the_old_home_stay_where_the_home_is_not_told() -> None:
    assert "(https://keepers.substack.com/p/the-first-light)" in text_of(planned("substack"), "why-keepers-kept-bees")


def test_pictures_of_the_export_come_along_and_others_are_told() -> None:
    def pictures(name: str, slug: str) -> Arrival:
        return next(arrival for arrival in planned(name).arrivals if arrival.slug == slug)

    assert pictures("jekyll", "the-first-light").pictures == {"images/the-first-light/tower.png": "assets/tower.png"}
    assert pictures("hugo", "tides").pictures == {"images/tides/high.png": "content/posts/tides/high.png"}
    assert pictures("hugo", "the-first-light").pictures == {"images/the-first-light/tower.png": "static/img/tower.png"}
    assert pictures("pelican", "the-first-light").pictures
    assert pictures("buttondown", "the-first-light").pictures
    assert "(images/the-first-light/tower.png)" in pictures("buttondown", "the-first-light").text
    assert pictures("substack", "the-first-light").remote == ("https://substackcdn.com/image/fetch/tower.jpeg",)
    assert (
        "the picture /content/images/cover.png is not in the export" in pictures("ghost.json", "the-first-light").notes
    )
    known = planned("ghost.json", "https://keepers.example").arrivals[0]
    assert known.remote == (
        "https://keepers.example/content/images/cover.png",
        "https://keepers.example/content/images/2024/03/tower.png",
    )


def test_what_cannot_be_kept_is_told() -> None:
    assert "it was for only paid readers" in notes_of(planned("substack"), "why-keepers-kept-bees")
    assert "watch?v=abc123XYZ is a link now" in notes_of(planned("substack"), "why-keepers-kept-bees")
    assert "{{ subscriber.metadata.name }}" in notes_of(planned("buttondown"), "the-first-light")
    assert "{{ not this }}" not in notes_of(planned("buttondown"), "the-first-light")
    assert notes_of(planned("jekyll"), "the-first-light") == "Liquid's {% include %} means nothing here"
    assert notes_of(planned("hugo"), "the-first-light") == "Hugo's shortcode tweet means nothing here"
    assert planned("ghost.json").skipped[0].reason == "it is a page, not a post"
    assert [each.place for each in planned("substack").skipped] == ["posts.csv: A thread"]


def test_code_stays_as_it_was() -> None:
    assert '```python\nlight = "{{ untouched }}"\n```' in text_of(planned("jekyll"), "the-first-light")
    assert "```text\nhive = 3\n```" in text_of(planned("substack"), "why-keepers-kept-bees")


def test_old_addresses_lead_to_what_was_public() -> None:
    assert planned("jekyll").redirects == {
        "/2024/03/05/the-first-light.html": "the-first-light",
        "/old/light/": "the-first-light",
        "/wax/": "bees",
    }
    assert planned("ghost.json").redirects == {}  # the same addresses as here
    assert "/p/unfinished" not in planned("substack").redirects


def test_front_matter_is_read_back_as_it_was_meant() -> None:
    text = text_of(planned("buttondown"), "bees")
    assert 'subject: "Bees, and wax"\npreheader: "Why: wax"\n' in text
    assert 'tags: ["wax", "honey"]' in text
    assert 'author: "Mare Kask"' in text_of(planned("ghost.json"), "the-first-light")
    assert "#internal" not in text_of(planned("ghost.json"), "the-first-light")


def test_a_slug_that_is_taken_stays_behind_and_one_that_comes_twice_gets_a_number(tmp_path: Path) -> None:
    found = planned("jekyll", taken={"bees"})
    assert [arrival.slug for arrival in found.arrivals] == ["the-first-light", "fog"]
    assert [each.reason for each in found.skipped] == ['there is an issue "bees" already']
    for day in ("01", "02"):
        (tmp_path / f"2024-03-{day}-tides.md").write_text("---\ntitle: Tides\n---\nHigh.\n", encoding="utf-8")
    assert [arrival.slug for arrival in planned(tmp_path).arrivals] == ["tides", "tides-2"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.zip", b"PK\x03\x04nonsense", "no export that is known"),
        ("x.json", b'{"a": 1}', "no export that is known"),
        ("x.csv", b"a,b\n1,2\n", "no export that is known"),
        ("posts.csv", b"", "no export that is known"),
        ("x.txt", b"hello", "no export that is known"),
        ("x.md", b"\xff\xfe", "is not UTF-8"),
        ("x.md", b"---\ntitle: [1\n---\n", "x.md:2: the front matter cannot be read"),
        ("x.csv", b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_is_no_export_is_told(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NewsletterError, match=re.escape(words)):
        list(open_source(tmp_path / name).posts())


def test_an_unknown_program_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        open_source(tmp_path / "none.zip")
    with pytest.raises(UsageError, match="there is no"):
        open_source(EXPORTS / "jekyll", "wordpress")
    assert "hugo" in PROGRAMS


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    shutil.copytree(EXPORTS / "jekyll", tmp_path / "site")
    (tmp_path / "secret.md").write_text("---\ntitle: Secret\ndate: 2024-01-01\n---\nx\n", encoding="utf-8")
    (tmp_path / "site" / "_posts" / "2024-01-01-secret.md").symlink_to(tmp_path / "secret.md")
    assert "secret" not in [arrival.slug for arrival in planned(tmp_path / "site").arrivals]
