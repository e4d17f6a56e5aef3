"""Any service that django-anymail knows, over its backends; no Django project is needed, only the package.

One mail a call: each service fills variables in a way of its own, or not at all, so they are filled here. Which answer
means what is in docs/delivery.md. Django's settings are configured with nothing in them: what the service needs is
given to its backend alone.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from functools import partial
from importlib import import_module
from typing import Any

import requests

from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Message,
    Outcome,
    Post,
    Recipient,
    RecipientsRefused,
    Refused,
    Setup,
    Unknown,
)
from newsletter.errors import ConfigError
from newsletter.providers.mail import filled, is_address, shown_name
from newsletter.providers.transport import failure_of, harden, seconds_of
from newsletter.providers.without_project import configure_django

_DOCS = "see docs/delivery.md, Anymail"
_TAKEN = {"sent", "queued"}
_REFUSED = {"rejected", "invalid", "failed"}
_UNCLEAR = {408, 409}
_PERSON_NEEDED = {401: "check the key", 402: "the plan or credit is used up", 403: "check key, plan and domain"}


class Anymail:
    """The provider `anymail`, for one service. `backend` makes a backend of it, one for each thread."""

    largest_batch = 1
    honours_keys = False  # Anymail hands no key on

    def __init__(self, service: str, settings: Mapping[str, Any], timeouts: tuple[float, float]) -> None:
        self.name = f"anymail-{service}"
        told = json.dumps(dict(settings), sort_keys=True, default=str)
        self.account = f"{self.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
        self._settings, self._timeouts = dict(settings), timeouts
        self._kind = _backend_of(service)
        self._local = threading.local()
        self._open: list[Any] = []
        self._make()  # what is missing or unknown among the settings is told now

    def prepare(self, message: Message) -> Post:
        """A function that hands in the mail of one reader."""
        if message.carried:
            blocked = Blocked("through Anymail no images travel within a mail", 'set [theme] images = "host"')
            return lambda *_: blocked
        return partial(self._post, message)

    def close(self) -> None:
        """Let go of all connections."""
        while self._open:
            self._open.pop().close()

    def _post(self, message: Message, recipients: Sequence[Recipient], _key: str) -> Outcome:
        if len(recipients) != 1:
            return Blocked("through Anymail goes one reader a call")
        (recipient,) = recipients
        if not is_address(recipient.email):
            return RecipientsRefused({0: "this is no address"})
        mail = _mail_of(filled(message, recipient), recipient)
        try:
            self._backend().send_messages([mail])
        except Exception as error:
            return outcome_of(error, recipient.email)
        status = mail.anymail_status.recipients.get(recipient.email)
        return _outcome_of_status(getattr(status, "status", None), getattr(status, "message_id", None))

    def _backend(self) -> Any:
        backend = getattr(self._local, "backend", None)
        if backend is None:
            backend = self._local.backend = self._make()
            self._open.append(backend)
            backend.open()
            if isinstance(session := getattr(backend, "session", None), requests.Session):
                harden(session, getattr(backend, "api_url", ""))
                session.max_redirects = 0  # a service's own header with the key would follow to another host
                session.auth = session.auth or _as_it_is
        return backend

    def _make(self) -> Any:
        from anymail.backends.base_requests import AnymailRequestsBackend  # noqa: PLC0415 - Django comes with it

        more = {"timeout": self._timeouts} if issubclass(self._kind, AnymailRequestsBackend) else {}
        return self._kind(**self._settings, **more)


def open_anymail(setup: Setup, section: str = "provider") -> Anymail:
    """The provider for `service` in the settings; the others are Anymail's for it, in small letters without its name.

    Raises ConfigError where Anymail is not installed, does not know the service, or misses a setting or knows none.
    """
    settings = dict(setup.settings)
    service = str(settings.pop("service", ""))
    place = f"[{section}.settings]"
    if not service:
        raise ConfigError(f"{place} service is missing", 'the name of a service as Anymail has it: service = "mailgun"')
    _configure_django()
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - an extra

    try:
        return Anymail(service, settings, (setup.connect_timeout, setup.read_timeout))
    except ModuleNotFoundError as error:
        if error.name == f"anymail.backends.{service}":
            raise ConfigError(f'{place} Anymail knows no service "{service}"', _DOCS) from None
        raise ConfigError(f"{place} {service} needs {error.name}, which is not installed", _DOCS) from None
    except (ImproperlyConfigured, TypeError) as error:
        words = " ".join(str(error).split())
        raise ConfigError(f"{place} {service}: {words}"[:300], _DOCS) from None


def outcome_of(error: Exception, email: str) -> Outcome:
    """What it means for a reader that a backend raised `error`. In doubt it is unknown, never a yes or a no."""
    from anymail.exceptions import (  # noqa: PLC0415
        AnymailAPIError,
        AnymailError,
        AnymailRecipientsRefused,
    )

    if isinstance(error, AnymailRecipientsRefused):
        return RecipientsRefused({0: "refused by the provider"})
    if isinstance(error, AnymailAPIError):
        response = getattr(error, "response", None)
        if isinstance(response, requests.Response):
            return _outcome_of_answer(response, email)
        if isinstance(error.__cause__, requests.RequestException):
            return failure_of(error.__cause__)
        return Unknown(f"the service's own library failed: {type(error).__name__}")
    if isinstance(
        error, AnymailError | ValueError
    ):  # nothing was posted: the mail cannot be said in the service's terms
        return Blocked(f"the mail cannot be handed in: {_sentence(str(error))}", _DOCS)
    return Unknown(f"the call failed: {type(error).__name__}")


def _outcome_of_answer(response: requests.Response, email: str) -> Outcome:
    status = response.status_code
    reason = f"the provider answered {status}"
    if status == 429:
        return Refused(reason, seconds_of(response.headers.get("Retry-After")) or 0.0, too_fast=True)
    if status in _UNCLEAR or status >= 500 or status < 300:
        return Unknown(reason)
    if status in (400, 422) and email.lower() in response.text.lower():
        return RecipientsRefused({0: reason})
    return Blocked(f"{reason}: {_sentence(response.text)}", _PERSON_NEEDED.get(status, _DOCS))


def _outcome_of_status(status: str | None, message_id: str | None) -> Outcome:
    if status in _TAKEN:
        return Accepted(str(message_id or ""))
    if status in _REFUSED:
        return RecipientsRefused({0: f"the provider says: {status}"})
    return Unknown("the provider does not say what became of the mail")


def _mail_of(message: Message, recipient: Recipient) -> Any:
    from django.core.mail import EmailMultiAlternatives  # noqa: PLC0415

    name = shown_name(recipient.name)
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=message.sender,
        to=[str(Address(name, addr_spec=recipient.email)) if name else recipient.email],
        reply_to=[message.reply_to] if message.reply_to else None,
        headers=dict(message.headers),
    )
    mail.attach_alternative(message.html, "text/html")
    return mail


def _configure_django() -> None:
    try:
        configure_django()
        import_module("anymail")
    except ModuleNotFoundError:
        raise ConfigError(
            '[provider] name = "anymail": Anymail is not installed', "pip install 'newsletter[anymail]'"
        ) from None


def _backend_of(service: str) -> Any:
    """The backend's class, made to refuse settings that it does not know: Django would pass over them in silence."""
    if not service.isidentifier():
        raise ModuleNotFoundError(name=f"anymail.backends.{service}")
    module = import_module(f"anymail.backends.{service}")
    from django.core.mail.backends.base import BaseEmailBackend  # noqa: PLC0415

    class Strict(BaseEmailBackend):  # type: ignore[misc]
        def __init__(self, **left: Any) -> None:
            if left:
                raise TypeError(f"there is no setting {', '.join(sorted(left))}")
            super().__init__()

    return type("Backend", (module.EmailBackend, Strict), {})


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """As `auth` of a session it keeps a netrc file from putting another key in the place of the service's."""
    return request


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return "".join(char for char in words if char.isprintable())[:160]
