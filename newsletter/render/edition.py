"""The artefact that is approved and sent: an issue rendered and frozen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from newsletter.finding import Finding


@dataclass(frozen=True)
class Edition:
    """An issue rendered: what every reader gets, byte for byte, but for the values of its variables.

    `subject`, `preheader`, `html`, `text` and the values of `headers` are templates in which the only special thing is
    `{{variable}}`; `variables` maps each variable to the merge tag's source (`name | default("there")`) or, for
    braces that the author typed, to a quoted constant. `web` is the page for the archive: it has no variables.
    `findings` is what rendering noticed; it is not part of the digest.
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
        return cls(**data)

    def _content(self) -> dict[str, Any]:
        data = asdict(replace(self, headers=dict(self.headers), variables=dict(self.variables)))
        del data["digest"], data["findings"]
        return data
