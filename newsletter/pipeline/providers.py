"""The provider that a publication's configuration asks for; without a key, the simulator stands in for AutoSend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.config import ProviderConfig, revealed
from newsletter.delivery.protocol import Provider
from newsletter.errors import ConfigError
from newsletter.pipeline.discreet import Discreet
from newsletter.publication import Publication

if TYPE_CHECKING:
    from newsletter.providers.smtp import Smtp

_STAND_IN_KEY = "stand-in"


@dataclass(frozen=True)
class Connection:
    """An open provider, and what a person should know of it."""

    provider: Provider
    notice: str = ""


@contextmanager
def open_provider(publication: Publication) -> Iterator[Connection]:
    """The provider for as long as the `with` lasts; no secret of the publication is in what it answers.

    Nothing leaves the machine by accident: until the secret that `[provider] api_key` names is set, what would go to
    AutoSend goes to a simulator in this process, which keeps it in `.newsletter/simulator`. Raises ConfigError where
    the secret's file cannot be read.
    """
    from newsletter.config.masking import mask_of

    mask = mask_of(publication.config)
    with _open(publication) as opened:
        yield replace(opened, provider=Discreet(opened.provider, mask))


@contextmanager
def _open(publication: Publication) -> Iterator[Connection]:
    from newsletter.providers.autosend import AutoSend, honours_keys

    config = publication.config.provider
    if config.name == "outbox":
        from newsletter.providers.outbox import Outbox

        folder = publication.state / "outbox"
        yield Connection(Outbox(folder), f"the mails are files in {folder}")
        return
    if config.name == "smtp":
        with closing(_smtp(config)) as smtp:
            yield Connection(smtp)
        return
    timeouts = (config.connect_timeout.total_seconds(), config.read_timeout.total_seconds())
    key = revealed(config.api_key)
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
    with _simulator(publication.state / "simulator") as (url, folder):
        provider = AutoSend(url, _STAND_IN_KEY, timeouts=timeouts, honours_keys=honours_keys(url))
        notice = f"{config.api_key} is not set: the simulator took the mails, look at {folder / 'accepted.ndjson'}"
        yield Connection(provider, notice)


def stays_here(config: ProviderConfig) -> bool:
    """Whether no mail leaves this machine: files, the simulator, a server on loopback that plays the provider."""
    if config.name != "autosend":
        return config.name == "outbox"
    return not revealed(config.api_key) or urlsplit(config.base_url).hostname in ("127.0.0.1", "localhost", "::1")


def _smtp(config: ProviderConfig) -> Smtp:
    from newsletter.providers.smtp import Server, Smtp

    if not config.smtp_host:
        raise ConfigError('[provider] name = "smtp" needs a mail server', 'smtp_host = "mail.example.org"')
    password = revealed(config.api_key) if config.smtp_user else ""
    if config.smtp_user and not password:
        raise ConfigError(
            f"{config.api_key} is not set: the password of {config.smtp_user}", "see docs/configuration.md"
        )
    timeout = config.read_timeout.total_seconds()
    return Smtp(Server(config.smtp_host, config.smtp_port, config.smtp_security, config.smtp_user, password, timeout))


@contextmanager
def _simulator(folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of a simulator that keeps its mails in `folder`: one that runs already, else one in this process."""
    from newsletter.simulator import FolderInUseError, Simulator, SimulatorOptions, running_at

    try:
        simulator = Simulator(SimulatorOptions(folder, rate=0))
    except FolderInUseError:
        url = running_at(folder)
        if not url:
            raise
        yield url, folder
        return
    with simulator:
        yield simulator.url, folder
