"""The message is one that every mail program reads back as the edition that was approved."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content.pictures import Picture
from newsletter.render.edition import Edition
from newsletter.render.mime import to_mime


@dataclass(frozen=True)
class Letter:
    """A mail with nothing left to fill in."""

    sender: str = "The News <news@example.com>"
    reply_to: str = ""
    subject: str = "What is a token?"
    html: str = "<p>Hello</p>\n"
    text: str = "Hello\n"
    headers: Mapping[str, str] = field(default_factory=dict)
    carried: tuple[Picture, ...] = ()


def read(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def contents(message: EmailMessage) -> list[str]:
    parts = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert not any(part.defects for part in parts)
    return [part.get_content().replace("\r\n", "\n") for part in parts]


def check_wire(data: bytes) -> None:
    """What SMTP asks of a message's bytes (RFC 5321 section 4.5.3.1.6, RFC 5322 section 2.3)."""
    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998


def test_the_message_says_who_whom_and_what() -> None:
    letter = Letter(reply_to="editor@example.com", headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"})
    date = datetime(2026, 11, 24, 9, 0, tzinfo=timezone(timedelta(hours=1)))
    message = read(to_mime(letter, to="Ada <ada@example.org>", date=date, message_id="<1@example.com>"))
    assert dict(message.items()) == {
        "From": "The News <news@example.com>",
        "To": "Ada <ada@example.org>",
        "Reply-To": "editor@example.com",
        "Subject": "What is a token?",
        "Date": "Tue, 24 Nov 2026 09:00:00 +0100",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Message-ID": "<1@example.com>",
        "MIME-Version": "1.0",
        "Content-Type": message["Content-Type"],
    }
    assert message.get_content_type() == "multipart/alternative"


def test_an_edition_is_a_mail() -> None:
    edition = Edition(
        "a", "en", "n@example.com", "", "Hi", "", "<p>a</p>", "a\n", "", {"X-Issue": "a"}, {}, "0" * 64
    ).frozen()
    message = read(to_mime(edition, to="ada@example.org"))
    assert (message["Subject"], message["X-Issue"]) == ("Hi", "a")
    assert contents(message) == ["a\n", "<p>a</p>"]


def test_the_same_mail_is_the_same_bytes_and_another_one_is_not() -> None:
    letter = Letter()
    data = to_mime(letter, to="ada@example.org")
    assert to_mime(letter, to="ada@example.org") == data
    assert read(data)["Date"] is None
    others = [
        to_mime(letter, to="eve@example.org"),
        to_mime(replace(letter, text="Hello you\n"), to="ada@example.org"),
        to_mime(replace(letter, headers={"X-A": "1"}), to="ada@example.org"),
    ]
    for other in others:
        assert read(other)["Message-ID"] != read(data)["Message-ID"]
        assert read(other).get_boundary() != read(data).get_boundary()
    assert str(read(data)["Message-ID"]).endswith("@example.com>")


@pytest.mark.parametrize(
    ("typed", "name", "address"),
    [
        ("ada@example.org", "", "ada@example.org"),
        ("Ada <ada@example.org>", "Ada", "ada@example.org"),
        ("Grüße aus Wien, die Zeitung <a@bücher.example>", "Grüße aus Wien, die Zeitung", "a@xn--bcher-kva.example"),
        ('"Doe, J. \\"Jo\\"" <j@example.org>', 'Doe, J. "Jo"', "j@example.org"),
        ("J. Doe (editor) <j@example.org>", "J. Doe (editor)", "j@example.org"),
        (f"{'今週の人工知能' * 9} <n@example.org>", "今週の人工知能" * 9, "n@example.org"),
    ],
)
def test_names_of_people_arrive_as_they_are_written(typed: str, name: str, address: str) -> None:
    data = to_mime(Letter(sender=typed), to=typed)
    check_wire(data)
    message = email.message_from_bytes(data)  # the newer policy puts a space between two encoded words of a name
    for header in ("From", "To"):
        found, spec = parseaddr(message[header])
        assert (str(make_header(decode_header(found))), spec) == (name, address)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "x" * 300,
        "word " * 60 + "end",
        "=?utf-8?q?not_encoded?=",
        "two  spaces and a trailing one ",
        "Что такое токен? " * 20 + "Вот что",
        "大语言模型" * 30,
        "👨‍👩‍👧 in the subject",
        'Rust 2.0: a review; "quoted" <angle>',
    ],
)
def test_the_subject_arrives_as_it_was_typed(subject: str) -> None:
    data = to_mime(Letter(subject=subject), to="ada@example.org")
    check_wire(data)
    assert read(data)["Subject"] == subject
    assert all(len(line) <= 76 for line in data.split(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(b"Content"))


def test_a_long_unsubscribe_address_is_neither_cut_nor_encoded() -> None:
    value = f"<https://example.com/u/{'t' * 200}>, <mailto:leave@example.com?subject={'s' * 80}>"
    data = to_mime(Letter(headers={"List-Unsubscribe": value}), to="ada@example.org")
    assert f"<https://example.com/u/{'t' * 200}>,\r\n <mailto:".encode() in data
    assert read(data)["List-Unsubscribe"] == value


@pytest.mark.parametrize(
    "letter",
    [
        Letter(subject="Hi\r\nBcc: all@example.org"),
        Letter(subject="Hi\nBcc: all@example.org"),
        Letter(subject="Hé\nBcc: all@example.org"),
        Letter(subject="Hi\x00"),
        Letter(subject="Hi\u2028there"),
        Letter(sender="A\r\nBcc: x <n@example.com>"),
        Letter(sender="nobody"),
        Letter(sender="a@b@c <>"),
        Letter(sender="a b@example.com"),
        Letter(sender="ü@example.com"),
        Letter(reply_to="a@b.example\n"),
        Letter(reply_to="a@b.example, c@d.example"),
        Letter(headers={"X-A": "1\r\nBcc: all@example.org"}),
        Letter(headers={"X-A\r\nBcc": "1"}),
        Letter(headers={"X A": "1"}),
        Letter(headers={"": "1"}),
        Letter(headers={"bcc:": "1"}),
        Letter(headers={"subject": "another"}),
        Letter(headers={"Content-Type": "text/html"}),
        Letter(headers={"X-A": "x" * 1000}),
    ],
)
def test_what_cannot_stand_in_a_header_is_refused(letter: Letter) -> None:
    with pytest.raises(ValueError, match=r"header|address"):
        to_mime(letter, to="ada@example.org")


@pytest.mark.parametrize("to", ["", "ada", "ada@example.org\r\nBcc: x@y.example", "<a@b.example> <c@d.example>"])
def test_a_reader_without_a_proper_address_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match=r"header|address"):
        to_mime(Letter(), to=to)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("Hello\n", "quoted-printable"),
        ("", "quoted-printable"),
        ("no line end", "quoted-printable"),
        ("Grüße, das ist ein ganzer Satz\n" * 50, "quoted-printable"),
        ("大语言模型\n" * 50, "base64"),
        ("x" * 50_000 + "\n", "quoted-printable"),
        ("模" * 50_000, "base64"),
        ("From me\n>From you\n.\n..\n--\n-- \n--=_x\ntrailing \n\ttab\t\n\n\n", "quoted-printable"),
        ("From " + "word " * 30 + "\n" + "a" * 70 + " From x\n", "quoted-printable"),
        ("a\r\nb\rc\n", "quoted-printable"),
    ],
)
def test_both_parts_arrive_whole_in_the_encoding_that_suits_them(body: str, encoding: str) -> None:
    data = to_mime(Letter(text=body, html=body), to="ada@example.org")
    check_wire(data)
    message = read(data)
    assert contents(message) == [re.sub(r"\r\n?", "\n", body)] * 2
    assert [part["Content-Transfer-Encoding"] for part in message.iter_parts()] == [encoding] * 2
    lines = data.split(b"\r\n\r\n", 1)[1].split(b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.startswith(b"From ") or line == b"." for line in lines)


# What may stand in an edition: any text but lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
SUBJECT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


@given(TEXT, TEXT, SUBJECT)
def test_whatever_was_written_is_read_back(text: str, html: str, subject: str) -> None:
    data = to_mime(Letter(text=text, html=html, subject=subject), to="ada@example.org")
    check_wire(data)
    message = read(data)
    assert contents(message) == [re.sub(r"\r\n?", "\n", part) for part in (text, html)]
    assert message["Subject"] == subject
