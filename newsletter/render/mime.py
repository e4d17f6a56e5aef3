"""The edition as one reader's message: RFC 5322 headers over a multipart/alternative body (RFC 2046 section 5.1.4).

Written line by line rather than with `email.message`: the same input gives the same bytes under every Python, and a
long `List-Unsubscribe` stays an address instead of becoming an encoded word.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime
from typing import Protocol

from newsletter.content.pictures import Picture

_LINE = 76  # RFC 2047 section 2, RFC 2045 section 6.7 and 6.8
_LONGEST_LINE = 998  # RFC 5322 section 2.1.1
_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322 section 3.6.8
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PHRASE_WITHOUT_QUOTES = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>")
_OURS = frozenset(
    "from to reply-to subject date message-id mime-version content-type content-transfer-encoding".split()
)


class Mail(Protocol):
    """What a message is made of: an `Edition`, or any value with these fields, its variables already filled in."""

    @property
    def sender(self) -> str: ...
    @property
    def reply_to(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def carried(self) -> Sequence[Picture]: ...


def to_mime(mail: Mail, *, to: str, date: datetime | None = None, message_id: str = "") -> bytes:
    """The message for `to`, with CRLF line ends: plain text first, HTML last (the last one is the richest).

    Pictures that the mail carries stand behind the HTML, in a multipart/related around both (RFC 2387).

    `to`, `mail.sender` and `mail.reply_to` are mailboxes, `Name <address>` or `address`. The text part is fixed, not
    format=flowed (RFC 3676): it is wrapped already, and is to arrive as it was previewed. Without `message_id` one is
    made from the content and the sender's domain; without `date` there is no Date header, and the server that takes
    the message for submission adds it (RFC 6409 section 8.1). Nothing here looks at a clock or a host's name.

    Raises ValueError for what cannot stand in a header: a line end or another control character in a value, a name
    that is none or is one of the headers set here, something that is no address, a word of over 998 bytes.
    """
    parts = [_part("plain", mail.text), _related(_part("html", mail.html), mail.carried)]
    headers = [
        _header("From", _mailbox(mail.sender)),
        _header("To", _mailbox(to)),
        *([_header("Reply-To", _mailbox(mail.reply_to))] if mail.reply_to else []),
        _subject(mail.subject),
        *([_header("Date", format_datetime(date))] if date else []),
        *(_header(_own_name(name), value) for name, value in mail.headers.items()),
    ]
    digest = hashlib.sha256("\r\n".join([*headers, *parts]).encode()).hexdigest()
    boundary = f"=_{digest[:32]}"  # "=_" stands in no quoted-printable and no base64 text (RFC 2045 section 6.7)
    headers += [
        _header("Message-ID", message_id or f"<{digest[32:]}@{_domain(mail.sender)}>"),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    ]
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return ("\r\n".join(headers) + f"\r\n\r\n{body}--{boundary}--\r\n").encode("ascii")


def _related(html: str, pictures: Sequence[Picture]) -> str:
    """The HTML part, and around it what it shows from within the mail."""
    if not pictures:
        return html
    parts = [html, *map(_picture, pictures)]
    boundary = f"=_{hashlib.sha256(''.join(parts).encode()).hexdigest()[:32]}"
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/related; boundary="{boundary}"; type="text/html"\r\n\r\n{body}--{boundary}--\r\n'


def _picture(picture: Picture) -> str:
    """One picture as a part that the HTML can name (RFC 2392); names are ASCII without quotes."""
    return (
        f'Content-Type: {picture.kind}; name="{picture.name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-ID: <{picture.content_id}>\r\nContent-Disposition: inline; filename="{picture.name}"\r\n\r\n'
        + base64.encodebytes(picture.data).decode("ascii").replace("\n", "\r\n")
    )


def _part(subtype: str, content: str) -> str:
    """A text part with its headers, in the encoding that makes it smaller: each letter beyond ASCII costs three signs
    for each of its bytes in quoted-printable, and base64 costs a third of everything.
    """
    data = re.sub(r"\r\n?|\n", "\r\n", content).encode("utf-8", "replace")
    beyond_ascii = sum(byte > 127 for byte in data)
    quoted = beyond_ascii * 6 <= len(data)
    encoding = "quoted-printable" if quoted else "base64"
    encoded = _quoted_printable(data) if quoted else base64.encodebytes(data).decode("ascii").replace("\n", "\r\n")
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
        + encoded.removesuffix("\r\n")
        + ("\r\n" if quoted and encoded.endswith("\r\n") else "")
    )


def _quoted_printable(data: bytes) -> str:
    # Of a text without any line end it does not know which one to break with, and takes a bare LF.
    encoded = re.sub(r"\r?\n", "\r\n", binascii.b2a_qp(data, istext=True).decode("ascii"))
    # Mailbox files would put a ">" before such a line (RFC 2049 section 3); the soft line break keeps it short.
    return re.sub(r"(?m)^From ", "=46rom=20=\r\n", encoded)


def _subject(value: str) -> str:
    """The subject; encoded (RFC 2047) where it is not ASCII, or could be read as encoded or lose spaces on its way."""
    plain = value.isascii() and "=?" not in value and value == " ".join(value.split())
    if plain and max(map(len, value.split(" "))) < _LINE - len("Subject: "):
        return _header("Subject", value)
    return "Subject: " + _encoded(_checked("Subject", value), len("Subject: "))


def _header(name: str, value: str) -> str:
    """`Name: value`, folded at spaces; a word is never cut, so that addresses in it stay whole."""
    value = _checked(name, value).strip()
    if not value.isascii():
        value = _encoded(value, len(name) + 2).replace("\r\n ", " ")
    lines = [f"{name}:"]
    for word in value.split(" "):
        if word and len(lines[-1]) + 1 + len(word) > _LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    if max(map(len, lines)) > _LONGEST_LINE:
        raise ValueError(f"the header {name} has a word of over {_LONGEST_LINE} bytes, which no mail can carry")
    return "\r\n".join(lines)


def _encoded(text: str, before: int) -> str:
    return Header(text, "utf-8", maxlinelen=_LINE, header_name=" " * (before - 2)).encode(linesep="\r\n")


def _checked(name: str, value: str) -> str:
    if found := _CONTROL.search(value):
        raise ValueError(
            f"the header {name} has a control character (U+{ord(found[0]):04X}) in its value {value!r:.80}"
        )
    return value


def _own_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LINE:
        raise ValueError(f"{name!r} is no name of a header")
    if name.lower() in _OURS:
        raise ValueError(f"the header {name} is made from the mail itself and cannot be set again")
    return name


def _mailbox(mailbox: str) -> str:
    """`Name <address>` as it stands in a header: the name quoted or encoded, the domain in ASCII (RFC 5890)."""
    name, address = _split(mailbox)
    if not name:
        return address
    if not name.isascii() or "=?" in name:
        return f"{_encoded(name, 10)} <{address}>".replace("\r\n ", " ")
    if _PHRASE_WITHOUT_QUOTES.fullmatch(name):
        return f"{name} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _split(mailbox: str) -> tuple[str, str]:
    """(name, address) of a mailbox."""
    named = _NAMED.fullmatch(_checked("From, To or Reply-To", mailbox).strip())
    name, address = (named["name"].strip(), named["address"]) if named else ("", mailbox.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    local, _, domain = address.rpartition("@")
    try:
        spec = Address(username=local, domain=domain.encode("idna").decode("ascii")).addr_spec
    except (ValueError, UnicodeError, IndexError):
        spec = ""
    if not local or not domain or not spec.isascii() or " " in spec:
        raise ValueError(f"{mailbox!r} is no address that a mail can be sent to or from")
    return " ".join(name.split()), spec


def _domain(mailbox: str) -> str:
    return _split(mailbox)[1].rpartition("@")[2]
