"""Doors for programs: the provider's events, answered with 200 when they are stored and not before; Prometheus."""

from __future__ import annotations

import hmac
from dataclasses import replace

from starlette.concurrency import run_in_threadpool

from newsletter.pipeline.metrics import metrics_text
from newsletter.providers.anymail_events import NotTheirsError, read_events
from newsletter.providers.autosend_events import is_theirs, read_event
from newsletter.schedule.health import TEXT
from newsletter.web.public.exchange import Answer, Ask
from newsletter.web.public.house import House


async def autosend(house: House, ask: Ask) -> Answer:
    """One webhook of AutoSend. 200 stored or not of interest, 401 not theirs, 400 no event, 503 try again."""
    if not ask.posted:
        return _plain("events are posted here", 405)
    if not house.secret or house.inbox is None:
        return _plain("webhooks are not set up here", 404)
    if not is_theirs(house.secret, ask.headers, ask.body, house.now()):
        return _plain("the signature is not right", 401)
    try:
        event = read_event(ask.body, house.now())
    except ValueError:
        return _plain("this is no event", 400)
    if event is None:
        return _plain("not of interest", 200)
    await house.inbox.keep([event])
    return _plain("stored", 200)


def metrics(house: House, ask: Ask) -> Answer:
    """Numbers for Prometheus, for who has the token (RFC 6750 section 2.1); without a token there is no such page."""
    token = house.metrics_token.encode()
    if not token:
        return _plain("there is no such page", 404)
    scheme, _, given = ask.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("utf-8", "replace"), token):
        refusal = _plain("the token is missing or wrong", 401)
        return replace(refusal, headers={"WWW-Authenticate": "Bearer"})
    text = metrics_text(house.publication, house.store, house.now())
    return Answer(text.encode(), 200, TEXT, private=True)


async def anymail(house: House, ask: Ask) -> Answer:
    """A webhook of a service that Anymail knows, with one or more events; the same answers."""
    if not ask.posted:
        return _plain("events are posted here", 405)
    service = house.anymail.get(ask.path["service"])
    if service is None or house.inbox is None:
        return _plain("webhooks are not set up here", 404)
    url = f"{house.site.base_url}/webhooks/anymail/{service.name}"
    try:
        told = await run_in_threadpool(read_events, service, ask.headers, ask.body, url, house.now())
    except NotTheirsError:
        answer = _plain("the signature or the password is not right", 401)
        return replace(answer, headers={"WWW-Authenticate": 'Basic realm="webhooks"'})
    except ValueError:
        return _plain("this is no event", 400)
    if told:
        await house.inbox.keep(told, f"anymail {service.name}")
    return _plain("stored" if told else "not of interest", 200)


def _plain(text: str, status: int) -> Answer:
    return Answer(f"{text}\n".encode(), status, "text/plain; charset=utf-8", private=True)
