"""The artefact that is approved and sent: an issue rendered and frozen."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from newsletter.content.pictures import Picture
from newsletter.finding import Finding


@dataclass(frozen=True)
class Edition:
    """An issue rendered: what every reader gets, byte for byte, but for the values of its variables.

    `subject`, `preheader`, `html`, `text` and the values of `headers` are templates in which the only special thing is
    `{{variable}}`; `variables` maps each variable to the merge tag's source (`name | default("there")`) or, for
    braces that the author typed, to a quoted constant. `web` is the page for the archive: it has no variables.
    `pictures` are the local images that it shows: the page finds them in the folder `images/` below it, the mail on the
    web or, with a `cid:` address, within itself. `subjects` are those that are tested on samples of the readers, the
    first of them is `subject`; all else is the same for all. `findings` is what rendering noticed; it is not part of
    the digest.
    """

    slug: str
    language: str
    sender: str
    reply_to: str
    subject: str
    preheader: str
    html: str
    text: str
    web: str
    headers: Mapping[str, str]
    variables: Mapping[str, str]
    source_digest: str
    pictures: tuple[Picture, ...] = ()
    subjects: tuple[str, ...] = ()
    digest: str = ""
    findings: tuple[Finding, ...] = ()

    def frozen(self) -> Self:
        """The same edition with its `digest`: SHA-256 over every field that a reader can see, in canonical JSON."""
        content = json.dumps(self._content(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return replace(self, digest=hashlib.sha256(content.encode()).hexdigest())

    def as_json(self) -> dict[str, Any]:
        """All fields but the findings, as plain values: `edition.json`, and what the store keeps."""
        return self._content() | {"digest": self.digest}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The edition that `as_json` wrote."""
        pictures = tuple(
            Picture(**{**picture, "data": base64.b64decode(picture["data"])}) for picture in data.get("pictures", ())
        )
        return cls(**{**data, "pictures": pictures, "subjects": tuple(data.get("subjects", ()))})

    @property
    def variants(self) -> tuple[Self, ...]:
        """The edition under each of its subjects; itself where it has one."""
        return tuple(replace(self, subject=subject) for subject in self.subjects) or (self,)

    @property
    def carried(self) -> tuple[Picture, ...]:
        """The pictures that the mail itself carries."""
        return tuple(picture for picture in self.pictures if f"cid:{picture.content_id}" in self.html)

    def _content(self) -> dict[str, Any]:
        data = asdict(replace(self, headers=dict(self.headers), variables=dict(self.variables)))
        del data["digest"], data["findings"]
        if not self.subjects:  # most editions; their digests are older than tests of subjects
            del data["subjects"]
        for picture in data["pictures"]:
            picture["data"] = base64.b64encode(picture["data"]).decode("ascii")
        return data
