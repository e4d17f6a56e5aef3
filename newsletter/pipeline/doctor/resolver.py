"""Names on the network, asked with dnspython."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from newsletter.errors import NewsletterError

_SECONDS = 4.0


class Resolver(Protocol):
    """Whoever knows what a name stands for."""

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name; none where there is none. Raises NewsletterError where nobody answers."""
        ...

    def mail_servers(self, name: str) -> list[str]:
        """The hosts of the MX records of a name, the first choice first."""
        ...

    def has(self, name: str, kind: str) -> bool:
        """Whether a name has records of a kind (`A`, `CNAME`…)."""
        ...


class Dns:
    """The DNS servers that this machine uses, or the ones at `servers`."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53) -> None:
        import dns.exception
        import dns.resolver

        try:
            self._resolver = dns.resolver.Resolver(configure=not servers)
        except dns.exception.DNSException as error:
            raise NewsletterError(f"this machine has no DNS server: {error}", "look at /etc/resolv.conf") from None
        if servers:
            self._resolver.nameservers = list(servers)
        self._resolver.port = port
        self._resolver.lifetime = _SECONDS

    def texts(self, name: str) -> list[str]:
        return [b"".join(row.strings).decode("utf-8", "replace") for row in self._ask(name, "TXT")]

    def mail_servers(self, name: str) -> list[str]:
        rows = sorted(self._ask(name, "MX"), key=lambda row: row.preference)
        return [str(row.exchange).rstrip(".") for row in rows]

    def has(self, name: str, kind: str) -> bool:
        return bool(self._ask(name, kind))

    def _ask(self, name: str, kind: str) -> list[Any]:
        import dns.exception
        import dns.resolver

        try:
            return list(self._resolver.resolve(name, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise NewsletterError(f"DNS does not answer for {name}: {type(error).__name__}") from None
