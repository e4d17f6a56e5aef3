"""What AutoSend's documentation says of a mail: which is valid, and what of it is Handlebars."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from newsletter.simulator.answers import Problem

LARGEST_ATTACHMENTS = 40 * 1024 * 1024  # bytes, all of a mail together
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
_LONGEST_EMAIL = 254  # RFC 5321 section 4.5.3.1.3, less the brackets
_HEADER = re.compile(r"[A-Za-z0-9-]{1,76}")
_TAG = re.compile(r"\{\{\{\s*([\w.-]+)\s*\}\}\}|\{\{\s*([\w.-]+)\s*\}\}")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;"}
)
_FLAGS = ("trackingClick", "trackingOpen", "bypassSuppressions")
OLDER_FIELDS = ("categories", "campaignName", "scheduledAt", "test")

_Found = Iterator[tuple[str, str]]


def problems(mail: Mapping[str, Any], *, bulk: bool, older: bool = False) -> list[Problem]:
    """Everything that is wrong with a mail, as the `details` of the error.

    `older` is the older age of the documentation, which has four more fields; the newer ignores them.
    """
    return listed(_problems(mail, bulk=bulk, older=older))


def listed(found: Iterable[tuple[str, str]]) -> list[Problem]:
    """(field, message) pairs as the `details` of an error."""
    return [{"field": field, "message": message} for field, message in found]


def is_email(value: object) -> bool:
    """Whether `value` is an address as the simulator believes one."""
    return isinstance(value, str) and len(value) <= _LONGEST_EMAIL and bool(_EMAIL.fullmatch(value))


def _problems(mail: Mapping[str, Any], *, bulk: bool, older: bool) -> _Found:
    yield from _mailbox(mail.get("from"), "from")
    if mail.get("replyTo") is not None:
        yield from _mailbox(mail["replyTo"], "replyTo")
    yield from _content(mail)
    yield from _headers(mail.get("headers", {}))
    yield from _attachments(mail.get("attachments", []))
    yield from _typed(mail, ("unsubscribeGroupId",), str, "must be a text")
    yield from _typed(mail, _FLAGS, bool, "must be true or false")
    yield from _typed(mail, ("dynamicData",), dict, "must be an object")
    if older:
        yield from _older(mail)
    if not bulk:
        yield from _mailbox(mail.get("to"), "to")
        yield from _copies(mail, "")
        return
    recipients = mail.get("recipients")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= 100:
        yield "recipients", "must be a list of 1 to 100 recipients"
        return
    shared = _copies_of(mail)
    for number, recipient in enumerate(recipients):
        yield from _recipient(recipient, f"recipients[{number}]", shared)


def _recipient(value: object, field: str, shared: int) -> _Found:
    found = list(_mailbox(value, field))
    yield from found
    if isinstance(value, dict):
        yield from _typed(value, ("dynamicData",), dict, "must be an object", f"{field}.")
        yield from _copies(value, f"{field}.", shared)


def _mailbox(value: object, field: str) -> _Found:
    if not isinstance(value, dict):
        yield field, "must be an object with an email"
    elif not is_email(value.get("email")):
        yield f"{field}.email", "must be a valid email address"
    elif not isinstance(value.get("name", ""), str | None):
        yield f"{field}.name", "must be a text"


def _copies(value: Mapping[str, Any], prefix: str, shared: int = 0) -> _Found:
    """One address may stand without a list around it: the official client's types allow that."""
    for part in ("cc", "bcc"):
        copies = value.get(part) or []
        for number, copy in enumerate(copies if isinstance(copies, list) else [copies]):
            yield from _mailbox(copy, f"{prefix}{part}[{number}]")
    if 1 + _copies_of(value) + shared > 50:
        yield f"{prefix}cc", "to, cc and bcc must be at most 50 together"


def _copies_of(value: Mapping[str, Any]) -> int:
    parts = (value.get(part) or [] for part in ("cc", "bcc"))
    return sum(len(part) if isinstance(part, list) else 1 for part in parts)


def _content(mail: Mapping[str, Any]) -> _Found:
    yield from _typed(mail, ("subject", "html", "text", "templateId"), str, "must be a text")
    subject = mail.get("subject")
    if isinstance(subject, str) and len(subject) > 998:
        yield "subject", "must be at most 998 characters long"
    if mail.get("templateId"):
        return
    if not subject:
        yield "subject", "is required without templateId"
    if not mail.get("html") and not mail.get("text"):
        yield "html", "html, text or templateId is required"


def _headers(headers: object) -> _Found:
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


def _attachments(attachments: object) -> _Found:
    if not isinstance(attachments, list) or len(attachments) > 20:
        yield "attachments", "must be a list of at most 20 attachments"
        return
    size = 0
    for number, attachment in enumerate(attachments):
        field = f"attachments[{number}]"
        if not isinstance(attachment, dict):
            yield field, "must be an object"
            continue
        if not isinstance(attachment.get("fileName"), str) or not attachment["fileName"]:
            yield f"{field}.fileName", "is required"
        if isinstance(attachment.get("fileUrl"), str):
            continue
        content = decoded(attachment)
        if content is None:
            yield f"{field}.content", "content in base64 or a fileUrl is required"
        else:
            size += len(content)
    if size > LARGEST_ATTACHMENTS:
        yield "attachments", "must be at most 40 MiB together"


def decoded(attachment: Mapping[str, Any]) -> bytes | None:
    """The bytes of an attachment that carries its content; None where it carries none, or no base64."""
    try:
        return base64.b64decode(attachment["content"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def _older(mail: Mapping[str, Any]) -> _Found:
    yield from _typed(mail, ("test",), bool, "must be true or false")
    yield from _typed(mail, ("campaignName",), str, "must be a text")
    categories = mail.get("categories", [])
    if not isinstance(categories, list) or not all(isinstance(category, str) for category in categories):
        yield "categories", "must be a list of texts"
    try:
        datetime.fromisoformat(mail.get("scheduledAt", "2000-01-01"))
    except (TypeError, ValueError):
        yield "scheduledAt", "must be a time as in ISO 8601"


def _typed(value: Mapping[str, Any], fields: Iterable[str], kind: type, message: str, prefix: str = "") -> _Found:
    for field in fields:
        if value.get(field) is not None and not isinstance(value[field], kind):
            yield prefix + field, message


def fill(template: str, values: Mapping[str, Any]) -> str:
    """`template` with its variables as Handlebars fills them: `{{x}}` escaped, `{{{x}}}` not, an unknown one empty.

    Handlebars escapes the same in a subject or a text as in HTML; whether AutoSend turns that off there is not
    documented, so the simulator does what Handlebars does.
    """

    def value(match: re.Match[str]) -> str:
        text = _text(values.get(match[1] or match[2]))
        return text if match[1] else text.translate(_ESCAPES)

    return _TAG.sub(value, template)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
