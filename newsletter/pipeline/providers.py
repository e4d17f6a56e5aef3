"""The provider that a publication's configuration asks for; without a key, the simulator stands in for AutoSend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.config import PROVIDER_POINTS, ProviderConfig, revealed
from newsletter.delivery.protocol import Provider, Setup
from newsletter.errors import ConfigError, NewsletterError
from newsletter.pipeline.discreet import Discreet
from newsletter.publication import Publication

_STAND_IN_KEY = "stand-in"
_ASKED = ("name", "account", "largest_batch", "honours_keys", "prepare")


@dataclass(frozen=True)
class Connection:
    """An open provider, who takes what it refuses, and what a person should know of it."""

    provider: Provider
    notice: str = ""
    stands_in: bool = False  # for a provider whose key is not set
    fallback: Provider | None = None


@contextmanager
def open_provider(publication: Publication) -> Iterator[Connection]:
    """The provider for as long as the `with` lasts, and with it the one of `[fallback]`, where there is one.

    No secret of the publication is in what they answer.

    Nothing leaves the machine by accident: until the secret that `[provider] api_key` names is set, what would go to
    AutoSend goes to a simulator in this process, which keeps it in `.newsletter/simulator`. Raises ConfigError where
    the provider cannot be made from what is configured.
    """
    from newsletter.config.masking import mask_of

    config, mask = publication.config, mask_of(publication.config)
    with ExitStack() as stack:
        first = stack.enter_context(_opened(config.provider, publication))
        if not config.fallback.name or first.stands_in:  # then nothing leaves through the other one either
            yield replace(first, provider=Discreet(first.provider, mask))
            return
        second = stack.enter_context(_opened(config.fallback, publication, "fallback")).provider
        if second.largest_batch < min(config.delivery.batch_size, first.provider.largest_batch):
            raise ConfigError(
                f"[fallback] {second.name} takes {second.largest_batch} readers a call, and a batch must fit into one",
                f"[delivery] batch_size = {second.largest_batch}, or another fallback",
            )
        yield Connection(Discreet(first.provider, mask), first.notice, fallback=Discreet(second, mask))


@contextmanager
def _opened(config: ProviderConfig, publication: Publication, section: str = "provider") -> Iterator[Connection]:
    setup = Setup(
        settings=dict(config.settings) | _secrets(config, section),
        state=publication.state,
        connect_timeout=config.connect_timeout.total_seconds(),
        read_timeout=config.read_timeout.total_seconds(),
    )
    if config.name == "autosend":
        with _autosend(config, publication, setup) as connection:
            yield connection
        return
    if config.name == "outbox":
        from newsletter.providers.outbox import Outbox

        folder = publication.state / "outbox"
        notice = f"the mails are files in {folder}"
        yield Connection(Outbox(folder, mbox=config.outbox_format == "mbox"), notice)
        return
    if config.name == "smtp":
        provider = _smtp(config, section)
    elif config.name == "anymail":
        from newsletter.providers.anymail import open_anymail

        provider = open_anymail(setup, section)
    else:
        provider = _of_a_package(config.name, setup)
    with ExitStack() as stack:
        if callable(close := getattr(provider, "close", None)):
            stack.callback(close)
        yield Connection(provider)


def _secrets(config: ProviderConfig, section: str) -> dict[str, str]:
    found = {key: revealed(name) for key, name in config.secrets.items()}
    for key, value in found.items():
        if not value:
            name = config.secrets[key]
            raise ConfigError(f"{name} is not set: [{section}.secrets] {key}", "see docs/configuration.md")
    return {key: value for key, value in found.items() if value}


@contextmanager
def _autosend(config: ProviderConfig, publication: Publication, setup: Setup) -> Iterator[Connection]:
    from newsletter.providers.autosend import AutoSend, honours_keys

    timeouts = (setup.connect_timeout, setup.read_timeout)
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
        yield Connection(provider, notice, stands_in=True)


def stays_here(config: ProviderConfig) -> bool:
    """Whether no mail leaves this machine: files, the simulator, a server on loopback that plays the provider."""
    if config.name != "autosend":
        return config.name == "outbox"
    return not revealed(config.api_key) or urlsplit(config.base_url).hostname in ("127.0.0.1", "localhost", "::1")


def _smtp(config: ProviderConfig, section: str) -> Provider:
    from newsletter.providers.smtp import Server, Smtp

    if not config.smtp_host:
        raise ConfigError(f'[{section}] name = "smtp" needs a mail server', 'smtp_host = "mail.example.org"')
    password = revealed(config.api_key) if config.smtp_user else ""
    if config.smtp_user and not password:
        raise ConfigError(
            f"{config.api_key} is not set: the password of {config.smtp_user}", "see docs/configuration.md"
        )
    timeout = config.read_timeout.total_seconds()
    return Smtp(Server(config.smtp_host, config.smtp_port, config.smtp_security, config.smtp_user, password, timeout))


def _of_a_package(name: str, setup: Setup) -> Provider:
    """The provider that an installed package registers under `name`; whatever is wrong with it names the package."""
    points = list(entry_points(group=PROVIDER_POINTS, name=name))
    if not points:
        raise ConfigError(f'no installed package provides "{name}"', "see docs/delivery.md, a provider of your own")
    if len(points) > 1:
        both = " and ".join(sorted(map(_package, points)))
        raise ConfigError(f'{both} both provide "{name}"', "uninstall one of them")
    (point,) = points
    try:
        provider: Provider = point.load()(setup)
        missing = [word for word in _ASKED if not hasattr(provider, word)]
    except NewsletterError:
        raise
    except (Exception, SystemExit) as error:  # whatever a package does, it is named
        what = f'{_package(point)}: the provider "{name}" ({point.value}) cannot be opened'
        raise ConfigError(f"{what}: {type(error).__name__}: {error}"[:300], "ask whoever wrote it") from None
    if missing:
        what = f'{_package(point)}: the provider "{name}" ({point.value}) lacks {", ".join(missing)}'
        raise ConfigError(what, "see docs/delivery.md, a provider of your own")
    return provider


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "a package without a name"


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
