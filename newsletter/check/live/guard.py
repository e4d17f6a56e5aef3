"""Connections to the public web only: whoever writes an issue must not make this machine ask its own network.

Each connection, that after a redirect as well, goes to an address that was looked up and judged here, so a name that
changes its address between the judgement and the connection (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Session
    from requests.adapters import HTTPAdapter

Resolver = Callable[[str, int], Sequence[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class NotReachedError(Exception):
    """No connection was made; `state` is an outcome's."""

    def __init__(self, state: str, detail: str) -> None:
        super().__init__(detail)
        self.state = state
        self.detail = detail


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` by the system's resolver; raises NotReachedError where it has none or does not answer."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise NotReachedError("gone", f'there is no host "{host}"') from None
        raise NotReachedError("unchecked", "the name could not be looked up") from None
    except UnicodeError:
        raise NotReachedError("gone", f'"{host[:60]}" is no host name') from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet (IANA's special-purpose registries, RFC 6890).

    An IPv4 address that is wrapped in an IPv6 one (mapped, 6to4, NAT64) is judged itself.
    """
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        wrapped = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            wrapped = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
    return parsed.is_global and not parsed.is_multicast


@dataclass(frozen=True)
class Guard:
    """Who may be connected to: the public internet, and the host names in `allow` wherever they are."""

    allow: frozenset[str] = field(default_factory=frozenset)
    resolve: Resolver = look_up

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """A TCP connection to `host`; raises NotReachedError where an address of it is not public, or none answers."""
        addresses = self.resolve(host, port)
        if host.lower() not in self.allow and not all(map(is_public, addresses)):
            raise NotReachedError("private", f'"{host}" is not on the public web')
        detail = "no answer"
        for address in addresses:
            try:
                return socket.create_connection((address, port), timeout)
            except TimeoutError:
                detail = f"no answer within {timeout:g} s"
            except OSError as error:
                detail = (error.strerror or "no connection").lower()
        raise NotReachedError("failing", detail)

    def session(self) -> Session:
        """A session of requests whose every connection is made by `connect`. No proxy, cookie file or netrc is used."""
        from requests import Session  # noqa: PLC0415

        session = Session()
        session.trust_env = False
        adapter = _adapter(self)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session


def _adapter(guard: Guard) -> HTTPAdapter:
    from requests.adapters import HTTPAdapter  # noqa: PLC0415
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager  # noqa: PLC0415
    from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: PLC0415

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self.host, self.port, _seconds(self.timeout))

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self.host, self.port, _seconds(self.timeout))

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Adapter(HTTPAdapter):
        poolmanager: PoolManager

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    return Adapter(max_retries=0)


def _seconds(timeout: object) -> float:
    return float(timeout) if isinstance(timeout, int | float) else 10.0
