"""The webhooks of the services that django-anymail knows, read and checked by its own views, without a Django project.

Anymail tells whether a post is the service's (its signature, else the user and password in the webhook's address) and
what it says; this turns that into our events. Settings are found as secrets, under Anymail's own names.
"""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from newsletter.delivery.protocol import Event, EventKind
from newsletter.errors import ConfigError
from newsletter.providers.without_project import configure_django

BATCH = "newsletter_batch"  # the metadata that names the batch, in mails that the provider `anymail` sends
BASIC = "ANYMAIL_WEBHOOK_SECRET"  # user:password, in the webhook's address; several, with spaces between them
# Each service's view, the setting that checks its signature, and whether nothing else will do.
_VIEWS: Mapping[str, tuple[str, str, bool]] = {
    "amazon_ses": ("AmazonSESTrackingWebhookView", "", False),
    "brevo": ("BrevoTrackingWebhookView", "", False),
    "mailersend": ("MailerSendTrackingWebhookView", "signing_secret", True),
    "mailgun": ("MailgunTrackingWebhookView", "webhook_signing_key", True),
    "mailjet": ("MailjetTrackingWebhookView", "", False),
    "mailtrap": ("MailtrapTrackingWebhookView", "", False),
    "mandrill": ("MandrillCombinedWebhookView", "webhook_key", True),
    "postal": ("PostalTrackingWebhookView", "webhook_key", True),
    "postmark": ("PostmarkTrackingWebhookView", "", False),
    "resend": ("ResendTrackingWebhookView", "signing_secret", False),
    "sendgrid": ("SendGridTrackingWebhookView", "tracking_webhook_verification_key", False),
    "sparkpost": ("SparkPostTrackingWebhookView", "", False),
    "unisender_go": ("UnisenderGoTrackingWebhookView", "api_key", True),
}
_KINDS = {
    "queued": EventKind.ACCEPTED,
    "sent": EventKind.ACCEPTED,
    "rejected": EventKind.REJECTED,
    "failed": EventKind.REJECTED,
    "bounced": EventKind.BOUNCED,
    "delivered": EventKind.DELIVERED,
    "opened": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
    "complained": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
}
# What services call a bounce after which another mail may arrive; Anymail has no word for it.
_SOFT = ("softbounce", "soft_bounce", "transient", "undetermined", "blocked", "block", "expired")
_LOCK = threading.Lock()


class NotTheirsError(Exception):
    """The post is not the service's."""


@dataclass(frozen=True)
class Service:
    """One service whose webhooks can be told from anybody's: what its view is made with."""

    name: str
    settings: tuple[tuple[str, Any], ...] = field(repr=False)


def services(find: Callable[[str], str | None], base_url: str) -> Mapping[str, Service]:
    """The services for which `find` has a secret. Raises ConfigError where there is one and no django-anymail."""
    basic = tuple((find(BASIC) or "").split())
    found: dict[str, Service] = {}
    for name, (_, setting, only) in _VIEWS.items():
        key = find(f"ANYMAIL_{name}_{setting}".upper()) if setting else None
        if not key and (only or not basic):
            continue
        settings: list[tuple[str, Any]] = [("webhook_secret", basic), *([(setting, key)] if key else [])]
        if name == "mandrill":  # it signs the address as well
            settings.append(("webhook_url", f"{base_url}/webhooks/anymail/{name}"))
        if name == "amazon_ses":  # a topic is confirmed by a person: nothing is called from here
            settings.append(("auto_confirm_sns_subscriptions", False))
        found[name] = Service(name, tuple(settings))
    if found and find_spec("anymail") is None:
        raise ConfigError("there are secrets for Anymail's webhooks, and no Anymail", "pip install newsletter[anymail]")
    return found


def read_events(service: Service, headers: Mapping[str, str], body: bytes, url: str, now: datetime) -> list[Event]:
    """What a post tells. Raises NotTheirsError, or ValueError for what is no event of the service."""
    from anymail.exceptions import AnymailWebhookValidationFailure  # noqa: PLC0415 - Django: 200 ms

    view = _view(service)
    request = _request(headers, body, url)
    try:
        view.run_validators(request)
        told = view.parse_events(request)
    except AnymailWebhookValidationFailure:
        raise NotTheirsError from None
    except Exception as error:  # whatever Anymail stumbles over in a body that it takes for granted
        raise ValueError(f"{type(error).__name__}: no event of {service.name}") from None
    events = [_event(service.name, one, body, number, now) for number, one in enumerate(told)]
    return [event for event in events if event is not None]


@lru_cache(maxsize=32)
def _view(service: Service) -> Any:
    """Anymail's view, made once. Raises ConfigError where it wants a package or a key that is not there."""
    configure_django()
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Anymail's opinion of some services; our own checks decide what is open
        name, _, _ = _VIEWS[service.name]
        try:
            kind = getattr(import_module(f"anymail.webhooks.{service.name}"), name)
            given = {key: list(value) if isinstance(value, tuple) else value for key, value in service.settings}
            return kind(**given)
        except Exception as error:
            raise ConfigError(
                f"Anymail cannot take the webhooks of {service.name}: {error}", "see docs/events.md"
            ) from None


def _request(headers: Mapping[str, str], body: bytes, url: str) -> Any:
    from django.core.handlers.wsgi import WSGIRequest  # noqa: PLC0415

    parts = urlsplit(url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": parts.path,
        "SERVER_NAME": parts.hostname or "localhost",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": BytesIO(body),
    }
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    environ |= {"CONTENT_TYPE": headers.get("content-type", ""), "CONTENT_LENGTH": str(len(body))}
    environ["HTTP_HOST"] = parts.netloc
    return WSGIRequest(environ)


def _event(service: str, told: Any, body: bytes, number: int, now: datetime) -> Event | None:
    """One normalised event as ours; None for what we do not keep (deferred mails, inbound ones, answers)."""
    kind, email = _KINDS.get(str(told.event_type)), str(getattr(told, "recipient", None) or "")
    if kind is None or "@" not in email:
        return None
    at = told.timestamp if isinstance(told.timestamp, datetime) else now
    at = min(at if at.tzinfo else at.replace(tzinfo=UTC), now)
    # Without a name of its own, an event is its body.
    name = f"{told.event_id}" if told.event_id else f"{hashlib.sha256(body).hexdigest()} {number}"
    key = hashlib.sha256(f"{service} {name} {kind} {email.lower()}".encode()).hexdigest()
    metadata = told.metadata if isinstance(told.metadata, Mapping) else {}
    detail = {
        "reason": " ".join(str(told.mta_response or told.description or "").split())[:500],
        "link": str(told.click_url or "")[:2000],
        "id": str(told.message_id or "")[:200],
    }
    return Event(
        kind=kind,
        email=email[:320],
        occurred_at=at,
        key=key,
        reference=str(metadata.get(BATCH) or told.message_id or "")[:200],
        soft=kind is EventKind.BOUNCED and _is_soft(told),
        detail={name: text for name, text in detail.items() if text},
    )


def _is_soft(told: Any) -> bool:
    raw = told.esp_event if isinstance(told.esp_event, Mapping) else {}
    inner = raw.get("bounce")
    places = [raw, inner] if isinstance(inner, Mapping) else [raw]
    words = [place.get(name) for place in places for name in ("Type", "type", "event", "bounceType")]
    return str(told.reject_reason) in ("blocked", "timed_out") or any(
        isinstance(word, str) and word.lower() in _SOFT for word in words
    )
