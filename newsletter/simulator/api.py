"""What AutoSend's documentation says of a mail: which is valid, and what of it is Handlebars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,76}")
_TAG = re.compile(r"\{\{\{\s*([\w.-]+)\s*\}\}\}|\{\{\s*([\w.-]+)\s*\}\}")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;"}
)

Problem = dict[str, str]


def problems(mail: Mapping[str, Any], *, bulk: bool) -> list[Problem]:
    """Everything that is wrong with a mail, as the `details` of the error."""
    return [{"field": field, "message": message} for field, message in _problems(mail, bulk=bulk)]


def _problems(mail: Mapping[str, Any], *, bulk: bool) -> Iterator[tuple[str, str]]:
    yield from _address(mail.get("from"), "from")
    if mail.get("replyTo") is not None:
        yield from _address(mail["replyTo"], "replyTo")
    yield from _content(mail)
    yield from _headers(mail.get("headers", {}))
    if not bulk:
        yield from _address(mail.get("to"), "to")
        return
    recipients = mail.get("recipients")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= 100:
        yield "recipients", "recipients must be a list of 1 to 100"
        return
    for number, recipient in enumerate(recipients):
        yield from _address(recipient, f"recipients[{number}]")


def _address(value: object, field: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield field, f"{field} must be an object with an email"
    elif not isinstance(value.get("email"), str) or not _EMAIL.fullmatch(value["email"]):
        yield f"{field}.email", "must be a valid email address"
    elif not isinstance(value.get("dynamicData", {}), dict):
        yield f"{field}.dynamicData", "must be an object"


def _content(mail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "templateId" in mail:
        return
    subject = mail.get("subject")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 998:
        yield "subject", "is required and at most 998 characters long"
    if not any(isinstance(mail.get(part), str) and mail[part] for part in ("html", "text")):
        yield "html", "html or text is required"


def _headers(headers: object) -> Iterator[tuple[str, str]]:
    if not isinstance(headers, dict) or len(headers) > 20:
        yield "headers", "must be an object of at most 20 headers"
        return
    for name, value in headers.items():
        if (
            not _HEADER.fullmatch(name)
            or not isinstance(value, str)
            or len(value) > 1000
            or re.search(r"[\r\n]", value)
        ):
            yield f"headers.{name}", "a name of letters, digits and -, a value of at most 1000 characters"


def fill(template: str, values: Mapping[str, Any]) -> str:
    """`template` with its variables as Handlebars fills them: `{{x}}` escaped, `{{{x}}}` not, an unknown one empty.

    Handlebars escapes the same in a subject or a text as in HTML; whether AutoSend turns that off there is not
    documented, so the simulator does what Handlebars does.
    """

    def value(match: re.Match[str]) -> str:
        text = str(values.get(match[1] or match[2], ""))
        return text if match[1] else text.translate(_ESCAPES)

    return _TAG.sub(value, template)
