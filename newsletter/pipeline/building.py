"""`build`: editions as files, so that they can be looked at, compared and opened in a mail program."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config import ScheduleConfig
from newsletter.content.issue import Issue
from newsletter.errors import NewsletterError
from newsletter.render.edition import Edition
from newsletter.render.merge import reader_fields
from newsletter.render.mime import to_mime
from newsletter.render.personal import personal
from newsletter.render.placing import FOLDER

UNDATED = datetime(2000, 1, 1, tzinfo=UTC)  # the Date of a sample mail whose issue has none
_SAMPLE = ("Ada Sample", "ada@reader.example")  # whom `email.eml` is for


def files_of(edition: Edition, base_url: str, date: datetime | None = None) -> Mapping[str, bytes]:
    """The files of an edition by name; `date` is the Date of the sample mail, which has none without.

    `email.html` and `email.txt` are what a reader without a name gets, `email.eml` what a sample reader gets, and
    `edition.json` is what approval freezes: the same with its variables, and the digest. Pictures that lie beside the
    issue are in `images/`, where the web page looks for them.
    """
    link = f"{base_url}/unsubscribe/sample"
    nobody, ada = personal(edition, reader_fields("", "", link)), personal(edition, reader_fields(*_SAMPLE, link))
    whole = json.dumps(edition.as_json(), ensure_ascii=False, indent=1, sort_keys=True)
    return {
        "email.html": nobody.html.encode(),
        "email.txt": nobody.text.encode(),
        "email.eml": to_mime(ada, to=f"{_SAMPLE[0]} <{_SAMPLE[1]}>", date=date),
        "web.html": edition.web.encode(),
        "edition.json": f"{whole}\n".encode(),
        **{f"{FOLDER}/{picture.name}": picture.data for picture in edition.pictures},
    }


def date_of(issue: Issue, schedule: ScheduleConfig) -> datetime:
    """The Date of an issue's sample mail: its date or slot, where that is a day at the schedule's time, else `UNDATED`.

    No clock and no file's time: the same issue gives the same file everywhere.
    """
    moment = issue.slot or issue.date
    if moment is None:
        return UNDATED
    wall = moment if isinstance(moment, datetime) else datetime.combine(moment, schedule.at)
    return wall.replace(tzinfo=schedule.zone)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put `files` into `folder`, all of them or none; other files in it stay.

    Raises NewsletterError where the disk is full or the folder cannot be written.
    """
    draft = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder, prefix=".building-"))
        for name, data in files.items():
            (draft / name).parent.mkdir(exist_ok=True)
            (draft / name).write_bytes(data)
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
            (draft / name).replace(folder / name)
    except OSError as error:
        raise NewsletterError(
            f"{folder}: cannot be written: {error.strerror}", "name a folder that can be written: -o DIR"
        ) from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
