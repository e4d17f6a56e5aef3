"""What an address is, and when two spellings are the same reader.

The domain is lower-case and in ASCII (IDNA 2008, RFC 5891), the part before the @ stays as typed. Two spellings are one
reader when they differ in case only: RFC 5321 section 2.4 would allow the local part to tell case apart, no mailbox
provider of today does. Plus tags and dots are not touched: `anna+news@…` is another address than `anna@…`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What most addresses look like, and what needs no second look: the rest is for the library, which is 40 times slower.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322 section 3.2.3
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1035 section 2.3.1
_USUAL = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+([A-Za-z]{{2,24}}))")
_SPECIAL = frozenset(
    "alt arpa internal invalid local localhost onion".split()
)  # RFC 6761, RFC 6762, RFC 7686, RFC 9476


@dataclass(frozen=True)
class Address:
    """An address to mail to, and the `key` under which it is one reader."""

    email: str
    key: str


def parse_address(text: str) -> Address:
    """The address in `text`; raises ValueError with a sentence that says what is wrong with it.

    Nothing is asked of the network: whether the domain takes mail, only mail can tell.
    """
    text = text.strip()
    usual = _USUAL.fullmatch(text)
    if usual and len(text) <= 254 and len(usual[1]) <= 64 and "--" not in usual[2]:
        email = f"{usual[1]}@{usual[2].lower()}"
        if usual[3].lower() not in _SPECIAL:
            return Address(email, email.lower())
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - 60 ms

    try:
        # `.test` is reserved for just this (RFC 6761); `.invalid` and `localhost` stay errors.
        parsed = validate_email(
            text, allow_smtputf8=False, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    email = parsed.ascii_email or parsed.normalized
    return Address(email, email.lower())
