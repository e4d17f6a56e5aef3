"""Try one address: HEAD, then GET where HEAD did not satisfy; each redirect goes through the guard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from newsletter.check.known import Outcome
from newsletter.check.live.guard import NotReachedError

if TYPE_CHECKING:
    from requests import Response, Session

MOST_REDIRECTS = 10
_GONE = (404, 410)
# Answers to programs that a reader's browser may not get: nothing can be said (999 is LinkedIn's).
_NOT_FOR_PROGRAMS = (401, 402, 403, 405, 406, 418, 429, 451, 503, 999)
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; newsletter-check/1; link check before sending)",
    "Accept": "*/*",
    "Accept-Language": "en",
}


@dataclass(frozen=True)
class _Answer:
    """The last answer of a chain of redirects; `moved` tells whether each of them was for good."""

    status: int
    address: str
    moved: bool


def probe(session: Session, url: str, timeout: float) -> Outcome:
    """What became of trying `url` (http or https); never raises."""
    outcome = _tried(session, url, timeout)
    if url.startswith("http://") and outcome.state in ("fine", "moved"):
        secure = "https://" + url.removeprefix("http://")
        there = outcome.final.startswith("https://") or _tried(session, secure, timeout).state in ("fine", "moved")
        return replace(outcome, secure=there)
    return outcome


def _tried(session: Session, url: str, timeout: float) -> Outcome:
    try:
        return _judged(url, _by_head(session, url, timeout) or _follow(session, "GET", url, timeout))
    except NotReachedError as error:
        return Outcome(error.state, error.detail)


def _by_head(session: Session, url: str, timeout: float) -> _Answer | None:
    """The answer to HEAD, None where GET may fare better: some servers treat HEAD badly."""
    try:
        answer = _follow(session, "HEAD", url, timeout)
    except NotReachedError as error:
        if error.state != "failing":
            raise
        return None
    return answer if 200 <= answer.status < 300 else None


def _judged(url: str, answer: _Answer) -> Outcome:
    if 200 <= answer.status < 300:
        elsewhere = answer.moved and _bare(answer.address) != _bare(url)
        return Outcome("moved" if elsewhere else "fine", f"answer {answer.status}", answer.address)
    kind = "gone" if answer.status in _GONE else "refused" if answer.status in _NOT_FOR_PROGRAMS else "failing"
    return Outcome(kind, f"answer {answer.status}", answer.address)


def _bare(url: str) -> str:
    """What two addresses of the same page have in common: no scheme, `www.`, last slash or fragment."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}:{parts.port or ''}{parts.path.rstrip('/')}?{parts.query}".replace(":?", "?")


def _follow(session: Session, method: str, url: str, timeout: float) -> _Answer:
    address, moved = url, False
    for number in range(MOST_REDIRECTS + 1):
        with _asked(session, method, address, timeout) as response:
            status, target = response.status_code, response.headers.get("Location", "")
        if not (300 <= status < 400 and target):
            return _Answer(status, address, moved)
        try:
            address = urljoin(address, target)
            scheme = urlsplit(address).scheme
        except ValueError:
            raise NotReachedError("failing", "it leads on to something that is no address") from None
        if scheme not in ("http", "https"):
            raise NotReachedError("failing", f"it leads on to an address with {scheme or 'no'}:")
        moved = status in (301, 308) and (moved or number == 0)
    raise NotReachedError("failing", f"it leads on more than {MOST_REDIRECTS} times")


@contextmanager
def _asked(session: Session, method: str, url: str, timeout: float) -> Iterator[Response]:
    """One answer, its body left unread; raises NotReachedError for everything that can go wrong."""
    from requests import Request, RequestException  # noqa: PLC0415
    from requests.exceptions import SSLError, Timeout  # noqa: PLC0415

    try:
        request = session.prepare_request(Request(method, url, headers=_HEADERS))
        # Not `session.send`: it reads the whole body of a redirect, however long that is.
        response = session.get_adapter(url).send(request, stream=True, timeout=timeout, verify=True)
    except Timeout:
        raise NotReachedError("failing", f"no answer within {timeout:g} s") from None
    except SSLError as error:
        raise NotReachedError("insecure", _certificate(error)) from None
    except (RequestException, ValueError, UnicodeError) as error:
        raise NotReachedError("failing", f"no proper answer ({type(error).__name__})") from None
    try:
        yield response
    finally:
        response.close()


def _certificate(error: Exception) -> str:
    text = str(error)
    for sign, meaning in (
        ("expired", "its certificate has expired"),
        ("self-signed", "its certificate is signed by nobody"),
        ("self signed", "its certificate is signed by nobody"),
        ("mismatch", "its certificate is for another host"),
        ("doesn't match", "its certificate is for another host"),
    ):
        if sign in text:
            return meaning
    return "no secure connection could be made"
