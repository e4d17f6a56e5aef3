"""The reference of `newsletter.toml` as a Markdown page: `docs/configuration.md`, which a test keeps current."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from newsletter.config.sections import Config
from newsletter.config.values import (
    Colour,
    Date,
    DateRange,
    Day,
    Duration,
    Fonts,
    Lead,
    Mailbox,
    OneOff,
    OptionalSecretName,
    ProviderName,
    SecretName,
    WallTime,
    WebAddress,
    Yearly,
    Zone,
)

_KINDS: tuple[tuple[Any, str], ...] = (
    (Duration, "length of time"),
    (Lead, "length of time"),
    (WallTime, "time of day"),
    (Zone, "IANA time zone"),
    (Mailbox, "address"),
    (WebAddress, "web address"),
    (ProviderName, "name of a provider"),
    (SecretName, "name of a secret"),
    (OptionalSecretName, "name of a secret"),
    (Colour, "colour"),
    (Fonts, "names of fonts"),
    (str, "text"),
    (bool, "true or false"),
    (int, "whole number"),
    (float, "number"),
)
_LISTS: Mapping[Any, str] = {
    Day: "list of days, `mon` to `sun`",
    OneOff: "list of days with a time",
    Date: "list of days",
    Yearly: "list of days, `MM-DD`",
    DateRange: "list of ranges of days",
    str: "list of texts",
}
_MEANINGS: Mapping[str, Mapping[str, str]] = {
    "publication": {
        "name": "The name of the newsletter, at the top of every issue.",
        "base_url": "Where its web pages stand: an issue's page is `base_url/SLUG/`.",
        "sender": "Whom the mail is from. The provider must have verified the domain.",
        "reply_to": "Where answers go; empty: to the sender.",
        "postal_address": "At the foot of every issue. No issue is approved without it.",
        "language": "The language of the issues, such as `de` or `pt-BR`; an issue may differ.",
        "description": "What it is about, in a sentence. A theme may show it.",
        "feedback": 'An address or a web page for "Tell us"; empty: no such line.',
    },
    "theme": {
        "width": "How wide the mail's sheet is, in pixels. [themes.md](themes.md) has what each theme says itself.",
        "font": "The fonts of the text.",
        "small_font": "The fonts of dates, boxes and small print.",
        "code_font": "The fonts of code and diagrams.",
        "light": "The colours, such as `accent`: [all of them](themes.md#design-tokens).",
        "dark": "The same for screens that are set to dark.",
        "name": "A folder in `templates/`, else a theme that comes with the program: `default` or `letter`.",
        "images": "What becomes of pictures that lie beside the issues; see [images.md](images.md).",
        "diagram_font": "The font of [diagrams as pictures](images.md#diagrams): a file here or a font of the system.",
    },
    "schedule": {
        "days": "The days with a slot. Readers are promised them on the sign-up box.",
        "at": "When a slot opens, summer and winter alike; `09:00 local` is 09:00 "
        "[where each reader lives](scheduling.md#the-readers-own-time).",
        "timezone": "The zone of `at`, of readers whose own is not known, and of every time that people are shown.",
        "extra": 'One-off slots, such as `"2026-12-24T18:00"`. They stand on skipped and paused days too.',
        "skip": 'Days without their regular slot, such as `"2026-12-25"`.',
        "holidays": 'The same in every year, such as `"12-25"`.',
        "pause": 'Ranges of such days, first and last included: `"2026-07-20..2026-08-14"`.',
        "late_window": "How late a slot may still be opened after a stop. Later, it is missed.",
        "late_policy": "What becomes of a slot that is more than 15 minutes late, but within `late_window`.",
        "require_approval": "If false, the scheduler approves each ready issue in which no check finds an error.",
        "approve_by": 'How long before its slot an issue must be approved, such as `"-2h"`; empty: no limit.',
        "empty_slot": "What becomes of a slot without an issue: nothing, the editors are told, or "
        "[the best-liked issue](scheduling.md#what-goes-out-and-when-not) goes to who did not get it.",
    },
    "provider": {
        "name": "`autosend`; `smtp` hands mails to a mail server, one by one; `outbox` writes them as files into "
        "`.newsletter/outbox`, nothing is sent; `anymail` hands them to any service that Anymail knows; or one that an "
        "installed package brings. See [delivery.md](delivery.md#the-three-outcomes-of-a-call).",
        "api_key": "The name under which the key is found.",
        "base_url": "The address of the provider's API.",
        "connect_timeout": "How long to wait for a connection.",
        "read_timeout": "How long to wait for an answer, until its last byte.",
        "idempotency": "Whether a call repeated under its key is taken once: `auto` trusts only our own simulator, "
        "`honoured` the provider, `unproven` nobody. See [delivery.md](delivery.md#repeating-a-call).",
        "header_variables": "Whether the provider fills variables in headers. If not, readers leave by mail.",
        "smtp_host": "The mail server; needed with `smtp`.",
        "smtp_port": "Its port: 587 goes with `starttls`, 465 with `tls`.",
        "smtp_security": "`starttls` never goes on in the clear; `none` is for a server on this machine.",
        "smtp_user": "The user whose password is the secret that `api_key` names; empty: no login.",
        "outbox_format": "Files of the outbox: one `.eml` a reader in a folder a call, or one `.mbox` a call.",
        "settings": "What `anymail`, or a provider of another package, wants to know.",
        "secrets": 'What of it is secret, by name: `api_key = "MAILGUN_API_KEY"`.',
    },
    "delivery": {
        "batch_size": "Readers in one call; never more than the provider takes (AutoSend: 100).",
        "requests_per_second": "The provider's limit. We stay just below it.",
        "concurrency": "Calls that one process has under way at once, where the rate lets it.",
        "daily_limit": "Mails a day (UTC) that your plan allows; 0: no limit. The rest waits for the next day.",
        "warm_up": "Limits of the first days on which a new key mails anyone, such as `[500, 1000, 5000]`.",
        "refusals": "The share of readers whom the provider may refuse before the broadcast pauses (from 20 on).",
        "max_attempts": "Calls for one batch before the sending stops.",
        "backoff": "The wait after the first failed call; it doubles from call to call.",
        "backoff_limit": "The longest such wait.",
        "workers": "Whether `newsletter worker` posts the batches, on as many machines as there are: "
        "[workers.md](workers.md). Needs PostgreSQL.",
    },
    "ab": {
        "share": "The share of the readers on whom an issue's `subjects` are tested, all of them together.",
        "wait": "How long they have to answer, from when the last of them was posted.",
        "rule": "What decides: `clicks` or `opens`, in readers. Opens say little: docs/stats.md.",
        "margin": "By how much another subject must beat the first, as a share: `0.01` is one in a hundred readers.",
    },
    "notify": {
        "editors": "Who gets notices by mail, through the provider.",
        "webhook": 'The name under which the address of a webhook is found. It gets `{"text": …}`, as Slack wants it.',
        "command": "A program and its arguments, run for each notice, which it gets as JSON on its standard input.",
        "preflight": "How long before a slot it is tried whether the issue can go out; `0s`: never.",
        "warn_empty": "How long before a slot you are warned that no issue is queued for it; `0s`: never.",
        "report": "Whether you are told how a broadcast went.",
    },
    "storage": {
        "database_url": 'Empty: SQLite in `.newsletter/`; else PostgreSQL, `"postgresql://user@host/newsletter"`.',
    },
    "backup": {
        "keep": "How many nightly backups the scheduler keeps; 0: it takes none. See [operate.md](operate.md#backups).",
        "at": "When it takes one, in the zone of the slots.",
        "folder": "Where they lie; empty: `.newsletter/backups`. Another disk is better.",
    },
    "logs": {
        "file": "Whether what the program does is also written to `.newsletter/logs/`, as JSON lines.",
        "format": "How the scheduler and `serve` say it on stderr. See [operate.md](operate.md#logs).",
        "keep": "How many days of these files are kept.",
        "metrics_token": "The name under which the token is found that opens `/metrics` of `newsletter serve`.",
    },
    "public": {
        "topics": "Tags that readers may choose on their preference page; a segment such as `tag:beta` uses them.",
        "confirm_within": "How long a sign-up may be confirmed. Later it is forgotten.",
        "soft_bounces": "So many issues in a row that could not be delivered make a reader `bounced`.",
        "webhook_secret": "The name under which the secret of the provider's webhooks is found.",
        "proxies": "Addresses of the proxies whose `X-Forwarded-For` is believed.",
        "card_font": "A font file, from the publication's folder, for the pictures that are shown where a page is "
        "shared; empty: one of the system's.",
    },
    "tracking": {
        "clicks": "Whether links in mails go through `base_url/c/` and are counted for each reader: docs/readers.md.",
        "opens": "Whether mails hold a picture of one pixel that tells when they are opened. It tells little.",
    },
    "api": {
        "key": "The name of the key that opens the [HTTP API](api.md) of `newsletter serve`. Without it there is none.",
        "read_key": "The name of a key that may only read.",
    },
    "links": {
        "timeout": "How long `check` waits for a site to answer.",
        "deadline": "How long it waits for all of them; what is left is not checked, and said so.",
        "pause": "The wait between two calls to one site.",
        "max_age": "How long an answer is remembered; a bad one for an hour at most.",
        "at_once": "Sites that are asked at the same time.",
        "allow": "Hosts that may be tried although they are in a private network.",
    },
    "spelling": {
        "words": "A file of words that are right here, one a line; see `word-misspelt` in [checks.md](checks.md).",
    },
    "preview": {
        "test_addresses": "To whom `newsletter preview` may send a test, and to nobody else.",
        "editor": "What opens a file: `vscode`, `zed`, `idea`, `subl`…, or an address with `{path}`, `{line}` and "
        "`{column}`; empty: by the variables `VISUAL` and `EDITOR`.",
    },
}
_OPEN = ("check", "clients", "hooks")  # whose keys are rules, programs, and tables of a list
_HEAD = """\
# Configuration

Everything about a publication is in its `newsletter.toml`. Only three keys have to be there:

```toml
[publication]
name = "Plain AI"
base_url = "https://plain-ai.example"
sender = "Plain AI <hello@plain-ai.example>"
```

`newsletter config show` prints what is in effect, with all defaults. A key that nobody knows is an error (exit 3) that
names the file, the line and the key that you may have meant. Lengths of time are written `"500ms"`, `"90s"`, `"30m"`,
`"6h"` or `"2d"`, times of day `"09:00"`, addresses `"Name <name@example.org>"` or `"name@example.org"`.

This page is made from the program itself.
"""
_FALLBACK = """
## `[fallback]`

Who takes the batches that the provider refused, and only those: [delivery.md](delivery.md#fallback). The keys are those
of `[provider]`; without the section, or with `name = ""`, there is nobody.
"""
_TAIL = """\

## `[check]`

A rule's name with `off`, `info`, `warning` or `error`, or with `{ severity = "warning", limit = 50 }`;
[checks.md](checks.md) lists all rules, and the limits of those that have one.

## `[[hooks]]`

Programs that are told what happens ([api.md](api.md#hooks)), one table each:

```toml
[[hooks]]
url = "MY_HOOK_URL"
key = "MY_HOOK_KEY"
events = ["broadcast.sent", "subscriber.confirmed"]
```

`url` and `key` are names of secrets: its address, and what signs the posts. Without `events` all are told.

## `[clients]`

The shares of mail programs among your readers, in any unit; without it, a rough guess. A rule about what a program does
not show speaks where the share of readers without it is over the rule's limit.

```toml
[clients]
apple-mail-ios = 40
gmail-desktop-webmail = 25
outlook-windows = 35
```

The names are those of caniemail.com, family and platform: `newsletter check` lists them where it does not know one.

## Secrets

A secret is never a value in `newsletter.toml`, only a name: `AUTOSEND_API_KEY` for the provider's key unless
`[provider] api_key` says another, and `NEWSLETTER_TOKEN_KEY` for what signs the unsubscribe links. A secret called NAME
is looked for in this order:

1. in the file whose path is in the environment variable `NAME_FILE`,
2. in the file `NAME` in the folder `$CREDENTIALS_DIRECTORY`, which systemd makes for a service (`LoadCredential=`),
3. in the environment variable `NAME`.

Without `NEWSLETTER_TOKEN_KEY` the signing key is made once and kept in `.newsletter/token.key`. Keep that file (or the
variable) as long as mails with links from it are in the world: without it their unsubscribe links no longer work.

A password for PostgreSQL belongs in `~/.pgpass` or in `PGPASSWORD`, not in `[storage] database_url`. The driver is an
extra: `pip install 'newsletter[postgres]'`.
"""


def as_markdown() -> str:
    """The page that explains every key of every section."""
    sections = [_section(name, field) for name, field in Config.model_fields.items() if name not in _OPEN]
    return "".join([_HEAD, *sections, _TAIL])


def _section(name: str, section: FieldInfo) -> str:
    model = section.annotation
    assert isinstance(model, type) and issubclass(model, BaseModel)  # noqa: S101 - all sections but [check] are
    own_first = sorted(model.model_fields.items(), key=lambda item: item[0] not in model.__annotations__)
    if name == "fallback":
        return _FALLBACK
    rows = [_row(key, field, _MEANINGS[name][key]) for key, field in own_first]
    return f"\n## `[{name}]`\n\n| key | type | default | meaning |\n|---|---|---|---|\n" + "".join(rows)


def _row(key: str, field: FieldInfo, meaning: str) -> str:
    if field.default is None or isinstance(field.default, BaseModel):
        default = "(the theme's)"
    else:
        default = "(needed)" if field.is_required() else f"`{_toml(field.get_default(call_default_factory=True))}`"
    return f"| `{key}` | {_kind(field)} | {default} | {meaning} |\n"


def _kind(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{_toml(choice)}`" for choice in get_args(field.annotation))
    if get_origin(field.annotation) is tuple and int in getattr(get_args(field.annotation)[0], "__args__", ()):
        return "list of whole numbers"
    if get_origin(field.annotation) is tuple:
        return _LISTS.get(get_args(field.annotation)[0], "list of addresses")
    if get_origin(field.annotation) is Mapping:
        return "a section of its own"
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        return "a section of its own"
    wanted = next((part for part in get_args(field.annotation) if part is not type(None)), field.annotation)
    metadata = [*field.metadata, *getattr(wanted, "__metadata__", ()), getattr(wanted, "__origin__", wanted)]
    return next(words for kind, words in _KINDS if getattr(kind, "__metadata__", (kind,))[0] in metadata)


def _toml(value: object) -> str:
    """A default as it would be written."""
    match value:
        case timedelta():
            seconds = round(value.total_seconds())
            if value < timedelta(seconds=1) and value:
                return f'"{round(value.total_seconds() * 1000)}ms"'
            return f'"{seconds // 3600}h"' if seconds and seconds % 3600 == 0 else f'"{seconds}s"'
        case time():
            return f'"{value:%H:%M}"'
        case None:
            return '""'
        case tuple():
            return json.dumps(list(value))
        case _:
            return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    print(as_markdown(), end="")
