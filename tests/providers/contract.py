"""What every provider has to keep, whoever it is: one suite, run on each.

A test module derives a class from `Contract` and says how to make the provider and how to read what arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default

import pytest

from newsletter.delivery.protocol import (
    Accepted,
    Message,
    Outcome,
    Post,
    Provider,
    Recipient,
    RecipientsRefused,
    Refused,
)

SECRET = "AS_a-key-of-the-tests"
MESSAGE = Message(
    "Plain AI <hello@plain-ai.example>",
    "Hi {{name}}",
    "<p>{{name}} <a href='{{unsubscribe_url}}'>leave</a></p>",
    "{{name}}\n.\nA line that is a dot must not end the mail.",
    "editors@plain-ai.example",
    {"List-Unsubscribe": "<{{unsubscribe_url}}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)


def reader(number: int, name: str = "Ada", **values: str) -> Recipient:
    """A reader whose values are all there."""
    link = f"https://x.example/u/{number}"
    return Recipient(f"r{number}@reader.example", name, {"name": name, "unsubscribe_url": link} | values)


@dataclass(frozen=True)
class Arrived:
    """A mail as it arrived."""

    to: str
    name: str
    subject: str
    html: str
    text: str
    headers: dict[str, str]


def read(content: bytes) -> Arrived:
    """A mail from its bytes (RFC 5322)."""
    mail = message_from_bytes(content, policy=default)
    (to,) = mail["To"].addresses
    html, text = (mail.get_body((kind,)) for kind in ("html", "plain"))  # type: ignore[attr-defined]
    headers = {name: str(value) for name, value in mail.items()}
    return Arrived(to.addr_spec, to.display_name, mail["Subject"], html.get_content(), text.get_content(), headers)


class Contract:
    """The suite. `provider` is ready to post, `arrived` is all that was taken, `gone` posts to where nobody is."""

    @pytest.fixture
    def provider(self) -> Provider:
        raise NotImplementedError

    def arrived(self) -> list[Arrived]:
        raise NotImplementedError

    def gone(self) -> Provider | None:
        """The provider where it cannot be reached; None for one that is no service."""
        raise NotImplementedError

    def test_each_reader_gets_a_mail_with_their_own_values_in_all_its_parts(self, provider: Provider) -> None:
        outcomes = post_all(provider, [reader(1, "Ada"), reader(2, "Bö")])
        assert {type(outcome) for outcome in outcomes} == {Accepted}
        mails = {mail.to: mail for mail in self.arrived()}
        assert set(mails) == {"r1@reader.example", "r2@reader.example"}
        two = mails["r2@reader.example"]
        assert (two.subject, two.name) == ("Hi Bö", "Bö")
        assert two.html.strip() == "<p>Bö <a href='https://x.example/u/2'>leave</a></p>"
        assert two.text.splitlines()[:3] == ["Bö", ".", "A line that is a dot must not end the mail."]
        assert two.headers["List-Unsubscribe"] == "<https://x.example/u/2>"
        assert two.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    @pytest.mark.parametrize(
        "name", ["a\r\nBcc: all@x.example", "a\nBcc: all@x.example\n\nbody", "a\0b", "<b@c.example>"]
    )
    def test_a_name_adds_no_header_and_no_recipient(self, provider: Provider, name: str) -> None:
        (outcome,) = post_all(provider, [reader(1, name)])
        assert isinstance(outcome, Accepted)
        (mail,) = self.arrived()
        assert mail.to == "r1@reader.example"
        assert "Bcc" not in mail.headers
        assert not any(char in mail.name for char in "\r\n\0")

    def test_a_name_of_fifty_thousand_letters_costs_nobody_their_mail(self, provider: Provider) -> None:
        outcomes = post_all(provider, [reader(1, "x" * 50_000), reader(2)])
        assert {type(outcome) for outcome in outcomes} == {Accepted}
        assert sorted(mail.to for mail in self.arrived()) == ["r1@reader.example", "r2@reader.example"]

    @pytest.mark.parametrize(
        "address", ["nobody", "a b@x.example", "a@b@c.example", "", "a@x.example\r\nRCPT TO:<b@x.example>"]
    )
    def test_an_address_that_is_none_is_named_and_nobody_of_the_call_is_mailed(
        self, provider: Provider, address: str
    ) -> None:
        readers = [reader(1), Recipient(address, "x", dict(reader(2).values))][-provider.largest_batch :]
        outcome = provider.prepare(MESSAGE)(readers, "key-1")
        assert isinstance(outcome, RecipientsRefused)
        assert set(outcome.reasons) == {len(readers) - 1}
        assert self.arrived() == []

    def test_a_repeat_under_a_key_is_taken_once_where_the_provider_says_so(self, provider: Provider) -> None:
        post = provider.prepare(MESSAGE)
        for _ in range(3):
            assert isinstance(post([reader(1)], "key-1"), Accepted)
        assert len(self.arrived()) == (1 if provider.honours_keys else 3)

    def test_a_provider_that_cannot_be_reached_took_nothing_and_says_that_it_may_be_tried_again(self) -> None:
        gone = self.gone()
        if gone is None:
            pytest.skip("it is no service")
        assert isinstance(gone.prepare(MESSAGE)([reader(1)], "key-1"), Refused)

    def test_who_it_is_says_nothing_of_the_key(self, provider: Provider) -> None:
        assert provider.name and provider.account and provider.largest_batch >= 1
        assert SECRET not in f"{provider.account} {provider!r} {provider.name}"


def post_all(provider: Provider, readers: Sequence[Recipient]) -> list[Outcome]:
    """Post to readers in calls as large as may be."""
    post: Post = provider.prepare(MESSAGE)
    size = provider.largest_batch
    return [post(readers[start : start + size], f"key-{start}") for start in range(0, len(readers), size)]
