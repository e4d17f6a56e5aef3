"""Local pictures on their way into the mail, the page and the files: hosted, embedded or left alone."""

from __future__ import annotations

import email
import email.policy
import json
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest

from newsletter.config import ScheduleConfig
from newsletter.content.reader import parse_issue
from newsletter.finding import Finding
from newsletter.pipeline.building import date_of, files_of, write_folder
from newsletter.pipeline.desk import Desk, open_desk
from newsletter.pipeline.sending import message_of
from newsletter.pipeline.starting import start_publication
from newsletter.providers.autosend import AutoSend
from newsletter.publication import find_publication
from newsletter.render.edition import Edition
from newsletter.render.placing import shown_here

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000140000000a0802000000bb2d1a4c0000001a49444154789c63fccfc0c0c040"
    "2a60a2460003a31a47350e0000c2e90113c3d8bd2b0000000049454e44ae426082"
)
PAGE = "https://newsletter.example/cat/"
ISSUE = "---\nsubject: A cat\nstatus: ready\n---\n![A cat](pics/cat.png) and [a link](https://example.org/)\n\n" + (
    "A cat sat. " * 40
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    start_publication(tmp_path / "letters")
    (tmp_path / "letters" / "issues" / "pics").mkdir()
    (tmp_path / "letters" / "issues" / "pics" / "cat.png").write_bytes(PNG)
    (tmp_path / "letters" / "issues" / "002-cat.md").write_text(ISSUE)
    return tmp_path / "letters"


def opened(folder: Path, images: str = "host", provider: str = "outbox") -> Desk:
    publication = find_publication(folder)
    config = publication.config.model_copy(
        update={
            "theme": publication.config.theme.model_copy(update={"images": images}),
            "provider": publication.config.provider.model_copy(update={"name": provider}),
        }
    )
    return open_desk(replace(publication, config=config))


def edition_of(desk: Desk) -> Edition:
    return desk.render(desk.find("cat"))


def complaints(desk: Desk) -> list[Finding]:
    edition = edition_of(desk)
    found = desk.check(desk.find("cat"), edition, datetime(2026, 11, 24, tzinfo=UTC))
    return [finding for finding in found if finding.rule.startswith("image")]


def test_a_hosted_picture_has_a_web_address_a_size_and_a_file(folder: Path, tmp_path: Path) -> None:
    desk = opened(folder)
    edition = edition_of(desk)
    (picture,) = edition.pictures
    assert f'src="{PAGE}images/{picture.name}"' in edition.html
    assert 'width="20" height="10"' in edition.html
    assert f'src="images/{picture.name}"' in edition.web
    assert f'property="og:image" content="{PAGE}images/{picture.name}"' in edition.web
    assert "[Image: A cat]" in edition.text
    assert complaints(desk) == []
    write_folder(tmp_path / "out", files_of(edition, desk.site.base_url))
    assert (tmp_path / "out" / "images" / picture.name).read_bytes() == PNG
    assert list((tmp_path / "out").glob(".building*")) == []


def test_an_embedded_picture_is_in_the_mail(folder: Path) -> None:
    desk = opened(folder, "embed")
    edition = edition_of(desk)
    (picture,) = edition.pictures
    assert f'src="cid:{picture.content_id}"' in edition.html
    assert f'src="images/{picture.name}"' in edition.web
    mail = email.message_from_bytes(files_of(edition, desk.site.base_url)["email.eml"], policy=email.policy.default)
    text, related = cast(EmailMessage, mail).iter_parts()
    body, image = related.iter_parts()
    kinds = [part.get_content_type() for part in (text, related, body, image)]
    assert kinds == ["text/plain", "multipart/related", "text/html", "image/png"]
    assert image["Content-ID"] == f"<{picture.content_id}>"
    assert image.get_content() == PNG
    assert complaints(desk) == []


def test_a_provider_that_cannot_carry_pictures_is_told_of_before_sending(folder: Path) -> None:
    desk = opened(folder, "embed", "autosend")
    (found,) = complaints(desk)
    assert (found.rule, found.severity, found.line) == ("image-file", "error", 5)
    post = AutoSend("http://127.0.0.1:9/v1", "key").prepare(message_of(edition_of(desk)))
    assert "carries no images" in getattr(post([], "k"), "reason", "")


def test_remote_pictures_are_left_to_the_web(folder: Path) -> None:
    desk = opened(folder, "remote")
    edition = edition_of(desk)
    assert f'src="{PAGE}pics/cat.png"' in edition.html
    assert edition.pictures == ()
    assert [finding.rule for finding in complaints(desk)] == ["image-relative"]


def test_a_picture_that_is_not_there_is_one_finding_at_its_place(folder: Path) -> None:
    (folder / "issues" / "pics" / "cat.png").unlink()
    (found,) = complaints(opened(folder))
    assert (found.rule, found.place) == ("image-file", "issues/002-cat.md:5:10")


def test_another_picture_is_another_digest_and_an_edition_keeps_its_pictures(folder: Path) -> None:
    before = edition_of(opened(folder))
    kept = Edition.from_json(json.loads(json.dumps(before.as_json())))
    assert kept == replace(before, findings=())
    assert kept.frozen().digest == before.digest
    data = bytearray(PNG)
    data[-20] ^= 1
    (folder / "issues" / "pics" / "cat.png").write_bytes(data)
    assert edition_of(opened(folder)).digest != before.digest


def test_a_size_that_the_author_wrote_stays(folder: Path) -> None:
    text = ISSUE.replace("![A cat](pics/cat.png)", '<img src="pics/cat.png" alt="A cat" width="5">')
    (folder / "issues" / "002-cat.md").write_text(text)
    html = edition_of(opened(folder)).html
    assert 'width="5"' in html
    assert 'height="10"' not in html


@pytest.mark.parametrize("images", ["host", "embed"])
def test_a_preview_shows_pictures_that_are_not_on_the_web_yet(folder: Path, images: str) -> None:
    edition = edition_of(opened(folder, images))
    for part in (edition.html, edition.web):
        shown = shown_here(part, edition.pictures)
        assert 'src="data:image/png;base64,iVBORw0' in shown
        assert edition.pictures[0].name not in shown.replace("og:image", "").split("<body")[1]


def test_the_sample_mail_is_dated_by_the_issue_and_not_by_a_clock() -> None:
    schedule = ScheduleConfig(timezone="Europe/Berlin")
    dates = [
        date_of(parse_issue(Path("issues/a.md"), f"---\ntitle: T\n{line}\n---\nText".encode()), schedule).isoformat()
        for line in ("date: 2026-11-24", "date: 2026-11-24 18:30", "slot: 2026-11-27", "author: Ada")
    ]
    assert dates == [
        "2026-11-24T09:00:00+01:00",
        "2026-11-24T18:30:00+01:00",
        "2026-11-27T09:00:00+01:00",
        "2000-01-01T00:00:00+00:00",
    ]
