"""What an address is, and when two spellings are the same reader.

The domain is lower-case and in ASCII (IDNA 2008, RFC 5891), the part before the @ stays as typed. Two spellings are one
reader when they differ in case only: RFC 5321 section 2.4 would allow the local part to tell case apart, no mailbox
provider of today does. Plus tags and dots are not touched: `anna+news@…` is another address than `anna@…`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """An address to mail to, and the `key` under which it is one reader."""

    email: str
    key: str


def parse_address(text: str) -> Address:
    """The address in `text`; raises ValueError with a sentence that says what is wrong with it.

    Nothing is asked of the network: whether the domain takes mail, only mail can tell.
    """
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - 60 ms

    try:
        # `.test` is reserved for just this (RFC 6761); `.invalid` and `localhost` stay errors.
        parsed = validate_email(text.strip(), allow_smtputf8=False, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    email = parsed.ascii_email or parsed.normalized
    return Address(email, email.lower())
