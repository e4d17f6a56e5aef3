"""The provider that a publication's configuration asks for; without a key, the simulator stands in for AutoSend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from newsletter.config import secret
from newsletter.delivery.protocol import Provider
from newsletter.publication import Publication


@dataclass(frozen=True)
class Connection:
    """An open provider, and what a person should know of it."""

    provider: Provider
    notice: str = ""


@contextmanager
def open_provider(publication: Publication) -> Iterator[Connection]:
    """The provider for as long as the `with` lasts.

    Nothing leaves the machine by accident: until the secret that `[provider] api_key` names is set, what would go to
    AutoSend goes to a simulator in this process, which keeps it in `.newsletter/simulator`. Raises ConfigError where
    the secret's file cannot be read.
    """
    from newsletter.providers.autosend import AutoSend, honours_keys

    config = publication.config.provider
    if config.name == "outbox":
        from newsletter.providers.outbox import Outbox

        folder = publication.state / "outbox"
        yield Connection(Outbox(folder), f"the mails are files in {folder}")
        return
    timeouts = (config.connect_timeout.total_seconds(), config.read_timeout.total_seconds())
    key = secret(config.api_key)
    if key:
        honoured = config.idempotency == "honoured"
        if config.idempotency == "auto":
            honoured = honours_keys(config.base_url)
        yield Connection(
            AutoSend(
                config.base_url,
                key,
                timeouts=timeouts,
                honours_keys=honoured,
                header_variables=config.header_variables,
            )
        )
        return
    from newsletter.simulator import Simulator, SimulatorOptions

    folder = publication.state / "simulator"
    options = SimulatorOptions(folder, rate=0, api_key="simulated")
    with Simulator(options) as simulator:
        provider = AutoSend(simulator.url, "simulated", timeouts=timeouts, honours_keys=True)
        yield Connection(
            provider, f"{config.api_key} is not set: the simulator took the mails, look at {folder / 'accepted.ndjson'}"
        )
