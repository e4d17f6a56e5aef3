"""AutoSend's API over `requests`: one POST to `/mails/bulk` a batch, and a plain reading of every answer.

Which answer means what is in docs/delivery.md. The facts are those of docs.autosend.com; where two ages of that
documentation disagree, this client works with either.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import mktime_tz, parseaddr, parsedate_tz
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests

from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Message,
    Outcome,
    Post,
    Quota,
    Recipient,
    RecipientsRefused,
    Refused,
    Unknown,
)
from newsletter.providers.mail import shown_name
from newsletter.providers.transport import LONGEST_WAIT, failure_of, harden, seconds_of

LARGEST_BATCH = 100  # recipients a call
_LONGEST_ANSWER = 1_000_000  # bytes; a hundred refused recipients with their reasons are 50 KB
_PERSON_NEEDED = {
    401: "check the key: its name is [provider] api_key",
    402: "the provider's plan or credit is used up",
    403: "the sender's domain must be verified at the provider",
    404: "check [provider] base_url",
}
_RECIPIENT_FIELD = re.compile(r"recipients(?:\[|\.)(\d+)\b")


@dataclass(frozen=True)
class _Bearer(requests.auth.AuthBase):
    """Puts the key into the header; as an `auth` object, so that a netrc file cannot put another one in its place."""

    key: str

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request

    def __repr__(self) -> str:
        return "Bearer …"


class AutoSend:
    """The provider `autosend`. `timeouts` are seconds to connect and seconds until the whole answer is there."""

    name = "autosend"
    largest_batch = LARGEST_BATCH

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeouts: tuple[float, float] = (10.0, 60.0),
        honours_keys: bool = False,
        header_variables: bool = True,
    ) -> None:
        self.honours_keys = honours_keys
        # Short of what could be guessed from, long enough to tell the keys of one database apart.
        self.account = f"autosend-{hashlib.sha256(f'{base_url} {key}'.encode()).hexdigest()[:12]}"
        self._url = f"{base_url}/mails/bulk"
        self._timeouts = timeouts
        self._header_variables = header_variables
        self._session = _session(base_url, key)

    def prepare(self, message: Message) -> Post:
        """Encode what all calls have in common once; it is nearly all of their bytes.

        The API's attachments have no Content-ID, so pictures within a mail cannot be shown: such a message is blocked.
        """
        if message.carried:
            blocked = Blocked("AutoSend carries no images within a mail", 'set [theme] images = "host"')
            return lambda *_: blocked
        headers = dict(message.headers) if self._header_variables else _constant(message)
        common: dict[str, Any] = {"from": _mailbox(message.sender), "subject": message.subject}
        common |= {"html": message.html, "text": message.text}
        if message.reply_to:
            common["replyTo"] = _mailbox(message.reply_to)
        if headers:
            common["headers"] = headers
        return partial(self._post, json.dumps(common, ensure_ascii=False)[:-1].encode())

    def probe(self) -> str:
        """Whether the API answers and takes the key, asked with a call that only reads; what is wrong, or empty."""
        url = f"{self._url.removesuffix('/mails/bulk')}/suppression-groups"
        try:
            with self._session.get(url, timeout=self._timeouts, allow_redirects=False, stream=True) as response:
                status, content = response.status_code, _beginning(response)
        except requests.RequestException as error:
            return getattr(failure_of(error), "reason", "the provider cannot be reached")
        if status in (200, 404, 429):  # 404: this call is gone, but the key was not refused
            return ""
        told = _json(content).get("error")
        words = _sentence(told.get("message")) if isinstance(told, dict) else ""
        return f"the provider answered {status}: {words or _PERSON_NEEDED.get(status, 'no message')}"

    def _post(self, common: bytes, recipients: Sequence[Recipient], key: str) -> Outcome:
        rows = json.dumps([_recipient(recipient) for recipient in recipients], ensure_ascii=False)
        body = b'%s, "recipients": %s}' % (common, rows.encode())
        try:
            with self._session.post(
                self._url,
                data=body,
                headers={"Idempotency-Key": key},
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _beginning(response)
        except requests.RequestException as error:
            return failure_of(error)
        return read_answer(response.status_code, response.headers, content, len(recipients))


def honours_keys(base_url: str, timeout: float = 5.0) -> bool:
    """Whether a loopback server says that it is our simulator and honours idempotency keys; False for all others."""
    if urlsplit(base_url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return False
    try:
        with _session(base_url, "") as session:
            facts = session.get(f"{base_url}/simulator", timeout=timeout, allow_redirects=False).json()
        return facts.get("service") == "newsletter-simulator" and facts.get("idempotency") is True
    except (requests.RequestException, ValueError, AttributeError, RecursionError):
        return False


def read_answer(status: int, headers: Mapping[str, str], content: bytes, recipients: int) -> Outcome:
    """What an answer means for the readers of a call with so many recipients."""
    answer = _json(content)
    documented = answer.get("success") is False and isinstance(answer.get("error"), dict)
    error = answer["error"] if documented else {}
    reason = f"the provider answered {status}: {_sentence(error.get('message')) or 'no message'}"
    if status == 200 and answer.get("success") is True:
        return replace(_accepted(answer.get("data"), recipients), quota=_quota(headers))
    if status == 429:
        return Refused(reason, _wait(answer, error, headers), too_fast=True, quota=_quota(headers))
    if status == 500 and documented:
        return Refused(reason, _wait(answer, error, headers))
    if status == 400 and (reasons := _refused_recipients(error, recipients)):
        return RecipientsRefused(reasons)
    if status in {408, 409} or status >= 500 or status < 300:
        return Unknown(reason)
    return Blocked(reason, _PERSON_NEEDED.get(status, "see docs/delivery.md"))


def _beginning(response: requests.Response) -> bytes:
    """The answer's body, or so much of it that it is none of this API's: a server may send without end."""
    content = b""
    for chunk in response.iter_content(4096):
        content += chunk
        if len(content) > _LONGEST_ANSWER:
            break
    return content


def _session(base_url: str, key: str) -> requests.Session:
    session = harden(requests.Session(), base_url)
    session.headers.update({"Content-Type": "application/json", "Accept": "application/json"})
    session.auth = _Bearer(key)
    return session


def _accepted(data: object, recipients: int) -> Accepted:
    facts: Mapping[str, Any] = data if isinstance(data, dict) else {}
    failed = facts.get("failedCount")
    dropped = failed if isinstance(failed, int) and 0 < failed <= recipients else 0
    return Accepted(str(facts.get("batchId") or ""), dropped)


def _refused_recipients(error: Mapping[str, Any], recipients: int) -> dict[int, str]:
    """The recipients that the details name; empty where any detail is about something else."""
    found: dict[int, str] = {}
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        field = str(detail.get("field", "")) if isinstance(detail, dict) else ""
        match = _RECIPIENT_FIELD.match(field)
        if not match or int(match[1]) >= recipients:
            return {}
        found[int(match[1])] = _sentence(detail.get("message")) or "refused by the provider"
    return found


def _wait(answer: Mapping[str, Any], error: Mapping[str, Any], headers: Mapping[str, str]) -> float:
    """Seconds that the provider asks for: `retryAfter` in the body, else `Retry-After` (RFC 9110 section 10.2.3)."""
    values = (answer.get("retryAfter"), error.get("retryAfter"), headers.get("Retry-After"))
    return next((seconds for value in values if (seconds := seconds_of(value)) is not None), 0.0)


def _quota(headers: Mapping[str, str]) -> Quota | None:
    """The three documented headers; the reset is a Unix second of the provider's clock, which its `Date` tells."""
    try:
        limit, remaining, reset = (int(headers[f"X-RateLimit-{word}"]) for word in ("Limit", "Remaining", "Reset"))
    except (KeyError, ValueError):
        return None
    date = parsedate_tz(headers.get("Date", ""))
    seconds = reset - (mktime_tz(date) if date else time.time())
    return Quota(limit, remaining, seconds) if limit > 0 and 0 <= seconds <= LONGEST_WAIT else None


def _json(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _sentence(value: object) -> str:
    words = " ".join(str(value or "").split())
    return "".join(char for char in words if char.isprintable())[:200]  # it is shown on a terminal


def _mailbox(text: str) -> dict[str, str]:
    name, email = parseaddr(text)
    return {"email": email, "name": name} if name else {"email": email}


def _constant(message: Message) -> dict[str, str]:
    """The headers without variables: who asks to leave writes an email, since one header serves the whole call."""
    headers = {name: value for name, value in message.headers.items() if "{{" not in value}
    headers.pop("List-Unsubscribe-Post", None)
    address = parseaddr(message.reply_to or message.sender)[1]
    return headers | {"List-Unsubscribe": f"<mailto:{address}?subject=unsubscribe>"}


def _recipient(recipient: Recipient) -> dict[str, Any]:
    row: dict[str, Any] = {"email": recipient.email, "dynamicData": dict(recipient.values)}
    name = shown_name(recipient.name)
    return row | {"name": name} if name else row
