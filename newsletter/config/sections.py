"""The sections of `newsletter.toml` as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from newsletter.config.values import (
    Colour,
    Date,
    DateRange,
    Days,
    Duration,
    Fonts,
    Language,
    Lead,
    LocalTime,
    Mailbox,
    OneLine,
    OneOff,
    OptionalSecretName,
    ProviderName,
    SecretName,
    Settings,
    WallTime,
    WebAddress,
    Yearly,
    Zone,
    provider_name,
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PublicationConfig(_Section):
    """`[publication]`: who publishes, under which address."""

    name: Annotated[OneLine, Field(min_length=1)]
    base_url: WebAddress
    sender: Annotated[Mailbox, Field(min_length=1)]
    reply_to: Mailbox = ""
    postal_address: str = ""
    language: Language = "en"
    description: str = ""
    feedback: str = ""


class PaletteConfig(_Section):
    """`[theme.light]` and `[theme.dark]`: colours; docs/themes.md says where each is used."""

    page: Colour | None = None
    sheet: Colour | None = None
    ink: Colour | None = None
    soft: Colour | None = None
    quiet: Colour | None = None
    line: Colour | None = None
    edge: Colour | None = None
    accent: Colour | None = None
    code: Colour | None = None
    panel: Colour | None = None
    tint: Colour | None = None
    keyword: Colour | None = None
    string: Colour | None = None
    number: Colour | None = None
    name: Colour | None = None
    comment: Colour | None = None


class LookConfig(_Section):
    """The design tokens of a theme: what its `theme.toml` says, and what `[theme]` may say instead."""

    width: Annotated[int, Field(ge=320, le=960)] | None = None
    font: Fonts | None = None
    small_font: Fonts | None = None
    code_font: Fonts | None = None
    light: PaletteConfig = PaletteConfig()
    dark: PaletteConfig = PaletteConfig()


class ThemeConfig(LookConfig):
    """`[theme]`: the folder under `templates/` that gives an issue its look, and what is to be different about it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "default"
    images: Literal["host", "embed", "remote"] = "host"
    diagram_font: OneLine = ""


class ScheduleConfig(_Section):
    """`[schedule]`: on which days, at which wall time, in which zone a slot opens."""

    days: Days = ("tue", "fri")
    at: WallTime = time(9)
    timezone: Zone = "UTC"
    extra: tuple[OneOff, ...] = ()
    skip: tuple[Date, ...] = ()
    holidays: tuple[Yearly, ...] = ()
    pause: tuple[DateRange, ...] = ()
    late_window: Duration = timedelta(hours=6)
    late_policy: Literal["send", "ask", "skip"] = "send"
    require_approval: bool = True
    approve_by: Lead = None
    empty_slot: Literal["skip", "notify", "repeat-best"] = "skip"

    @property
    def zone(self) -> ZoneInfo:
        """The zone that wall times are meant in."""
        return ZoneInfo(self.timezone)

    @property
    def local(self) -> bool:
        """Whether `at` is each reader's own time, to whom an issue goes in waves."""
        return isinstance(self.at, LocalTime)

    @property
    def pauses(self) -> tuple[tuple[date, date], ...]:
        """The ranges of days without slots, first and last included."""
        return self.pause


class ProviderConfig(_Section):
    """`[provider]`: who carries the mail, and what it is known to promise."""

    name: ProviderName = "autosend"
    api_key: SecretName = "AUTOSEND_API_KEY"
    base_url: WebAddress = "https://api.autosend.com/v1"
    connect_timeout: Duration = timedelta(seconds=10)
    read_timeout: Duration = timedelta(seconds=60)
    idempotency: Literal["auto", "honoured", "unproven"] = "auto"
    header_variables: bool = True
    smtp_host: OneLine = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: OneLine = ""
    outbox_format: Literal["eml", "mbox"] = "eml"
    settings: Settings = Field(default_factory=dict)
    secrets: Mapping[str, SecretName] = Field(default_factory=dict)


class FallbackConfig(ProviderConfig):
    """`[fallback]`: who takes the batches that the provider refused, with its keys; nobody where it is not there."""

    name: Annotated[str, AfterValidator(lambda value: value and provider_name(value))] = ""


class DeliveryConfig(_Section):
    """`[delivery]`: how a broadcast is cut and how hard it tries."""

    batch_size: Annotated[int, Field(ge=1, le=1000)] = 100
    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    daily_limit: Annotated[int, Field(ge=0)] = 0
    warm_up: tuple[Annotated[int, Field(ge=1)], ...] = ()
    refusals: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_attempts: Annotated[int, Field(ge=1)] = 8
    backoff: Duration = timedelta(seconds=1)
    backoff_limit: Duration = timedelta(seconds=60)
    workers: bool = False


class TrialConfig(_Section):
    """`[ab]`: how an issue with several subjects is tested on a share of its readers before the rest gets it."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    wait: Duration = timedelta(hours=4)
    rule: Literal["clicks", "opens"] = "clicks"
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.0


class NotifyConfig(_Section):
    """`[notify]`: whom to tell, how, and of what."""

    editors: tuple[Mailbox, ...] = ()
    webhook: OptionalSecretName = ""
    command: tuple[str, ...] = ()
    preflight: Duration = timedelta(hours=2)
    warn_empty: Duration = timedelta(days=1)
    report: bool = True


class StorageConfig(_Section):
    """`[storage]`: where subscribers and deliveries live; SQLite in `.newsletter/` unless told otherwise."""

    database_url: str = ""


class BackupConfig(_Section):
    """`[backup]`: the backups that the scheduler takes; none while `keep` is 0."""

    keep: Annotated[int, Field(ge=0)] = 0
    at: WallTime = time(3)
    folder: str = ""


class LogsConfig(_Section):
    """`[logs]`: where a machine reads what the program did, and who may read its numbers."""

    file: bool = False
    format: Literal["text", "json"] = "text"
    keep: Annotated[int, Field(ge=1)] = 14
    metrics_token: SecretName = "NEWSLETTER_METRICS_TOKEN"  # noqa: S105 - a name


class RuleConfig(_Section):
    """One line of `[check]`: how bad a finding of the rule is, and its threshold; what is not said stays as it is."""

    severity: Literal["off", "info", "warning", "error"] | None = None
    limit: Annotated[float, Field(ge=0)] | None = None


# `rule = "warning"` is short for `rule = { severity = "warning" }`.
RuleSetting = Annotated[
    RuleConfig, BeforeValidator(lambda value: {"severity": value} if isinstance(value, str) else value)
]


class LinksConfig(_Section):
    """`[links]`: how the addresses in an issue are tried. `allow` are host names that may be private."""

    timeout: Duration = timedelta(seconds=10)
    deadline: Duration = timedelta(minutes=1)
    pause: Duration = timedelta(milliseconds=200)
    max_age: Duration = timedelta(days=1)
    at_once: Annotated[int, Field(ge=1, le=64)] = 16
    allow: tuple[str, ...] = ()


class SpellingConfig(_Section):
    """`[spelling]`: the file with the words that are right here, one a line."""

    words: str = "words.txt"


class PreviewConfig(_Section):
    """`[preview]`: to whom the preview may send a test, and how it opens a file in the editor.

    `editor` is a name (`vscode`, `zed`, `idea`…) or an address with `{path}`, `{line}` and `{column}`; empty goes by
    the variables VISUAL and EDITOR.
    """

    test_addresses: tuple[Annotated[Mailbox, Field(min_length=3)], ...] = ()
    editor: str = ""


class PublicConfig(_Section):
    """`[public]`: the pages for readers, and what the provider tells of deliveries."""

    topics: tuple[Annotated[OneLine, Field(min_length=1, max_length=100)], ...] = ()
    confirm_within: Duration = timedelta(days=7)
    soft_bounces: Annotated[int, Field(ge=1)] = 3
    webhook_secret: SecretName = "AUTOSEND_WEBHOOK_SECRET"  # noqa: S105 - a name
    proxies: tuple[OneLine, ...] = ("127.0.0.1", "::1")
    card_font: str = ""


class TrackingConfig(_Section):
    """`[tracking]`: what is measured of what readers do; nothing unless it is said here."""

    clicks: bool = False
    opens: bool = False


class ApiConfig(_Section):
    """`[api]`: the names of the keys that open the HTTP API of `newsletter serve`; without a key there is none."""

    key: SecretName = "NEWSLETTER_API_KEY"
    read_key: SecretName = "NEWSLETTER_API_READ_KEY"


class HookConfig(_Section):
    """One `[[hooks]]`: a program that is told what happens. `url` and `key` are names of secrets."""

    url: SecretName
    key: SecretName
    events: tuple[OneLine, ...] = ()


class Config(_Section):
    """All of `newsletter.toml`."""

    publication: PublicationConfig
    theme: ThemeConfig = ThemeConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    provider: ProviderConfig = ProviderConfig()
    fallback: FallbackConfig = FallbackConfig()
    delivery: DeliveryConfig = DeliveryConfig()
    ab: TrialConfig = TrialConfig()
    notify: NotifyConfig = NotifyConfig()
    storage: StorageConfig = StorageConfig()
    backup: BackupConfig = BackupConfig()
    logs: LogsConfig = LogsConfig()
    public: PublicConfig = PublicConfig()
    tracking: TrackingConfig = TrackingConfig()
    api: ApiConfig = ApiConfig()
    hooks: tuple[HookConfig, ...] = ()
    check: Mapping[str, RuleSetting] = Field(default_factory=dict)
    links: LinksConfig = LinksConfig()
    clients: Mapping[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    spelling: SpellingConfig = SpellingConfig()
    preview: PreviewConfig = PreviewConfig()
