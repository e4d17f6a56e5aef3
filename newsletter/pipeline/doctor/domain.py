"""The sender's domain: what receivers look up before they believe a mail, and what the big ones ask of bulk senders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

from newsletter.errors import NewsletterError
from newsletter.pipeline.doctor.probe import Answer, Patient, Probe, State, probe
from newsletter.pipeline.doctor.resolver import Resolver

_LOOKS_UP = re.compile(r"[+?~-]?(?:include:|exists:|redirect=|(?:a|mx|ptr)(?:[:/]|$))")  # RFC 7208 section 4.6.4
_RESERVED = (".example", ".test", ".invalid", ".localhost", "example.com", "example.net", "example.org")  # RFC 2606
# Where providers have their clients put DKIM keys; a selector can have any name, and DNS does not list them.
_SELECTORS = ("autosend", "s1", "s2", "default", "selector1", "selector2", "google", "k1", "mail", "dkim", "resend")


def _domain(patient: Patient) -> str:
    return parseaddr(patient.publication.config.publication.sender)[1].rpartition("@")[2].lower()


def _asked(patient: Patient) -> tuple[Resolver | None, Answer | None]:
    """Who can be asked about the domain; or why nobody can."""
    domain = _domain(patient)
    if domain.endswith(_RESERVED):
        return None, (State.UNKNOWN, f"{domain} is a name for examples", "set [publication] sender")
    if patient.offline:
        return None, (State.UNKNOWN, "--offline")
    if "dns" in patient.broken:
        return None, (State.UNKNOWN, *patient.broken["dns"])
    return patient.resolver, None if patient.resolver else (State.UNKNOWN, "nobody to ask")


def _records(resolver: Resolver, name: str, start: str) -> list[str]:
    return [text for text in resolver.texts(name) if text.lower().replace(" ", "").startswith(start)]


@probe("spf")
def spf(patient: Patient) -> Iterator[Answer]:
    """RFC 7208: one record (section 3.2), ten look-ups at most (4.6.4), nobody else at the end."""
    resolver, excuse = _asked(patient)
    if resolver is None:
        yield excuse or (State.UNKNOWN, "")
        return
    domain = _domain(patient)
    try:
        found = _records(resolver, domain, "v=spf1")
    except NewsletterError as error:
        yield State.UNKNOWN, error.message
        return
    if not found:
        yield State.FAIL, f"{domain} has no SPF record", "add the TXT record that your provider names"
    elif len(found) > 1:
        yield State.FAIL, f"{domain} has {len(found)} SPF records, so none counts", "make them one"
    else:
        terms = found[0].lower().split()
        lookups = sum(1 for term in terms if _LOOKS_UP.match(term))
        if "+all" in terms or "all" in terms:
            yield State.FAIL, f"the SPF record of {domain} lets everybody send", 'end it with "~all" or "-all"'
        elif lookups > 10:
            yield State.WARN, f"the SPF record of {domain} needs {lookups} look-ups; after ten it fails", "shorten it"
        else:
            yield State.OK, f"{domain}: {found[0]}"


@probe("dkim")
def dkim(patient: Patient) -> Iterator[Answer]:
    """RFC 6376 section 3.6.2.1: a key at SELECTOR._domainkey.DOMAIN; who signs chooses the selector."""
    resolver, excuse = _asked(patient)
    if resolver is None:
        yield excuse or (State.UNKNOWN, "")
        return
    domain = _domain(patient)
    try:
        found = [
            selector
            for selector in _SELECTORS
            if any("p=" in text for text in resolver.texts(f"{selector}._domainkey.{domain}"))
        ]
    except NewsletterError as error:
        yield State.UNKNOWN, error.message
        return
    if found:
        yield State.OK, f"{domain} has DKIM keys: {', '.join(found)}"
    else:
        tried = f"none of {len(_SELECTORS)} common selectors has a key at {domain}"
        yield State.UNKNOWN, tried, "see that your provider says the domain is verified"


@probe("dmarc")
def dmarc(patient: Patient) -> Iterator[Answer]:
    """RFC 7489 section 6.3; since 2024 Gmail and Yahoo ask bulk senders for one (support.google.com/a/answer/81126)."""
    resolver, excuse = _asked(patient)
    if resolver is None:
        yield excuse or (State.UNKNOWN, "")
        return
    domain = _domain(patient)
    names = [f"_dmarc.{domain}", f"_dmarc.{'.'.join(domain.split('.')[-2:])}"]
    try:
        found = next((records for name in names if (records := _records(resolver, name, "v=dmarc1"))), [])
    except NewsletterError as error:
        yield State.UNKNOWN, error.message
        return
    if len(found) != 1:
        what = (
            f"{len(found)} DMARC records, so none counts" if found else "no DMARC record; Gmail and Yahoo ask for one"
        )
        yield State.FAIL, f"{domain} has {what}", f'a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:…"'
        return
    tags = dict(part.strip().partition("=")[::2] for part in found[0].split(";"))
    if tags.get("p", "").strip().lower() not in ("none", "quarantine", "reject"):
        yield State.FAIL, f"the DMARC record of {domain} has no policy", "add p=none, p=quarantine or p=reject"
    elif tags["p"].strip().lower() == "none" and "rua" not in tags:
        yield State.WARN, f"{domain}: {found[0]}: nobody is told what fails", "add rua=mailto:…, later p=quarantine"
    else:
        yield State.OK, f"{domain}: {found[0]}"


@probe("mx")
def mx(patient: Patient) -> Iterator[Answer]:
    """Answers and bounces go to the sender's domain: RFC 5321 section 5.1, RFC 7505 for a domain that takes none."""
    resolver, excuse = _asked(patient)
    if resolver is None:
        yield excuse or (State.UNKNOWN, "")
        return
    domain = _domain(patient)
    try:
        hosts = resolver.mail_servers(domain)
        address = bool(hosts) or resolver.has(domain, "A") or resolver.has(domain, "AAAA")
    except NewsletterError as error:
        yield State.UNKNOWN, error.message
        return
    if hosts == [""]:
        yield State.FAIL, f"{domain} says that it takes no mail (null MX)", "readers' answers are lost: set reply_to"
    elif hosts:
        yield State.OK, f"mail to {domain} goes to {hosts[0]}"
    elif address:
        yield State.WARN, f"{domain} has no MX record, only an address", "add one, else answers may be lost"
    else:
        yield State.FAIL, f"mail to {domain} reaches nobody", "add an MX record"


@probe("bulk rules")
def bulk_rules(patient: Patient) -> Iterator[Answer]:
    """What Gmail (support.google.com/a/answer/81126) and Yahoo (senders.yahooinc.com) ask beside these records."""
    config = patient.publication.config
    if not config.publication.postal_address.strip():
        yield State.FAIL, "no postal address: no issue is approved without", "set [publication] postal_address"
    if config.provider.name == "autosend" and not config.provider.header_variables:
        hint = "if your provider fills variables in headers: [provider] header_variables = true"
        yield State.WARN, "readers leave by mail, not with one click (RFC 8058)", hint
    else:
        yield State.OK, "each mail has List-Unsubscribe and one-click (RFC 8058)"
    if _domain(patient) in ("gmail.com", "googlemail.com", "yahoo.com", "outlook.com", "hotmail.com", "aol.com"):
        yield State.FAIL, f"a newsletter cannot be sent in the name of {_domain(patient)}", "use a domain of your own"


@probe("public address")
def public_address(patient: Patient) -> Iterator[Answer]:
    """The links that readers click: RFC 8058 section 3.1 asks for https in List-Unsubscribe-Post."""
    parts = urlsplit(patient.publication.config.publication.base_url)
    host = parts.hostname or ""
    if host.endswith(_RESERVED) or host in ("localhost", "127.0.0.1", "::1"):
        yield State.WARN, f"{host} is no place for readers", "set [publication] base_url"
    elif parts.scheme != "https":
        yield State.FAIL, "base_url is not https: one-click unsubscribing needs it", "set [publication] base_url"
    else:
        yield State.OK, f"https://{host}"


PROBES: tuple[Probe, ...] = (spf, dkim, dmarc, mx, bulk_rules, public_address)
