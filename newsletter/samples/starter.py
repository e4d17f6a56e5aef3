"""The files of a fresh publication: what `newsletter init DIR` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from types import MappingProxyType

NAMELESS = "My newsletter"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')  # RFC 5322 section 3.2.3: with these a display name stands in quotes


def starter_files(name: str) -> Mapping[str, str]:
    """The texts of a new publication called `name`, by their path relative to its folder.

    The configuration is valid as it stands and sends nothing: the provider writes files. A name without a letter or
    digit becomes "My newsletter".
    """
    name = " ".join(_CONTROL.sub(" ", name).split())
    if not any(char.isalnum() for char in name):
        name = NAMELESS
    files = {
        "newsletter.toml": _CONFIG.replace("@NAME@", json.dumps(name, ensure_ascii=False)).replace(
            "@SENDER@", json.dumps(f"{_display(name)} <hello@newsletter.example>", ensure_ascii=False)
        ),
        "issues/001-welcome.md": _WELCOME.replace("@SUBJECT@", json.dumps(f"Welcome to {name}", ensure_ascii=False)),
        "glossary.toml": _GLOSSARY,
        ".gitignore": _GITIGNORE,
        "README.md": _README.replace("@NAME@", _plain(name)),
    }
    return MappingProxyType(files)


def _display(name: str) -> str:
    """`name` as it stands before an address."""
    if not _SPECIALS.search(name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _plain(name: str) -> str:
    """`name` in Markdown, meaning itself."""
    return re.sub(r"([\\`*_{}\[\]#])", r"\\\1", escape(name, quote=False))


_CONFIG = """\
# Everything about this publication. A line that starts with "# " and a key shows the default; take the "# " away to
# change it. All of it, defaults included: newsletter config show

[publication]
name = @NAME@
description = ""                            # one sentence, for the sign-up page and the archive
base_url = "https://newsletter.example"     # where the web pages of your issues will stand
sender = @SENDER@
reply_to = ""                               # where answers go; empty: to the sender
postal_address = ""                         # many laws ask for one in each newsletter; no issue goes out without it
feedback = ""                               # an address or web page for "tell us what you think"; empty: no link
language = "en"                             # of your issues, as in HTML; one issue can say another

[schedule]
days = ["tue", "fri"]                       # an approved issue goes out on each of these days
at = "09:00"                                # wall time, summer and winter alike; "09:00 local" is each reader's own
timezone = "UTC"                            # such as "Europe/Berlin"
late_window = "6h"                          # after a stop, a slot missed by less than this is still sent
# extra = []                                # one-off slots: ["2026-12-24T18:00"]
# skip = []                                 # days without their slot: ["2026-12-25"]
# holidays = []                             # the same every year: ["12-25"]
# pause = []                                # ranges of such days: ["2026-07-20..2026-08-14"]
# late_policy = "send"                      # or "ask" or "skip": a slot that is more than 15 minutes late
# require_approval = true                   # false: the scheduler approves what is ready and without errors
# approve_by = ""                           # how long before its slot an issue must be approved: "-2h"
# empty_slot = "skip"                       # or "notify": tell the editors; or "repeat-best": see docs/scheduling.md

[notify]
# editors = []                              # who gets notices by mail: ["you@example.org"]
# webhook = ""                              # the NAME of the variable that holds a webhook's address
# command = []                              # a program that is run for each notice
# preflight = "2h"                          # how long before a slot it is tried whether the issue can go out
# warn_empty = "1d"                         # how long before a slot an empty queue is told of
# report = true                             # tell how a broadcast went

[provider]
name = "outbox"                             # mails become files in .newsletter/outbox; "autosend" sends them
# api_key = "AUTOSEND_API_KEY"              # the NAME of the variable that holds the key, never the key itself
# base_url = "https://api.autosend.com/v1"
# connect_timeout = "10s"
# read_timeout = "60s"
# idempotency = "auto"                      # "honoured": a call repeated under its key is known to send only once
# header_variables = true                   # whether the provider fills variables in headers as it does in the text
# smtp_host = ""                            # for name = "smtp": the mail server
# smtp_port = 587
# smtp_security = "starttls"                # or "tls"; "none" only for a server on this machine
# smtp_user = ""                            # its password is the secret that api_key names
# outbox_format = "eml"                     # or "mbox": one file for the mails of a call
# settings = {}                             # for "anymail" and providers of other packages: docs/delivery.md
# secrets = {}                              # the NAMES of the variables that hold their keys
# A section [fallback] with the same keys says who takes the batches that this provider refused: docs/delivery.md

[delivery]
# batch_size = 100                          # readers in one call to the provider
# requests_per_second = 2.0
# concurrency = 4                           # calls under way at once, where the rate lets them
# warm_up = []                              # limits of a new key's first days: [500, 1000, 5000]
# refusals = 0.1                            # the share of refused readers at which the broadcast pauses
# max_attempts = 8                          # calls for one batch before the broadcast pauses
# backoff = "1s"                            # the wait after the first failed call; it doubles from call to call
# backoff_limit = "60s"
# workers = false                           # "newsletter worker" posts the batches, on many machines: docs/workers.md
# daily_limit = 0                           # mails a day that your plan allows; the rest waits for the next day

[ab]                                        # for issues with several subjects: docs/sending.md
# share = 0.2                               # of the readers get one of them first
# wait = "4h"                               # then the others get the better one
# rule = "clicks"                           # or opens
# margin = 0.0                              # by how much another must beat the first

[theme]
# name = "default"                          # "letter", or a folder in templates/: newsletter new-theme NAME
# images = "host"                           # pictures beside issues: "host", "embed" or "remote" (docs/images.md)
# diagram_font = ""                         # for issues with `diagram: image`: a file here or a font of the system
                                            # colours, fonts and the width: docs/themes.md

[storage]
# database_url = ""                         # empty: SQLite in .newsletter/; else such as "postgresql+psycopg://…"

[backup]
# keep = 0                                  # how many nightly backups the scheduler keeps; 0: it takes none
# at = "03:00"
# folder = ""                               # empty: .newsletter/backups; another disk is better

[logs]
# file = false                              # also write JSON lines to .newsletter/logs/
# format = "text"                           # or "json": how scheduler and serve say on stderr what they do
# keep = 14                                 # days of log files
# metrics_token = "NEWSLETTER_METRICS_TOKEN"    # the NAME of the secret that opens /metrics of newsletter serve

[public]
# topics = []                               # tags that readers may choose, such as ["events", "jobs"]
# confirm_within = "7d"                     # a sign-up that is not confirmed by then is forgotten
# soft_bounces = 3                          # so many undelivered issues in a row end a reader's subscription
# webhook_secret = "AUTOSEND_WEBHOOK_SECRET"    # the NAME of the secret that signs the provider's webhooks
# proxies = ["127.0.0.1", "::1"]            # whose X-Forwarded-For `newsletter serve` believes
# card_font = ""                            # a font file for the pictures that are shown where a page is shared

[tracking]                                  # nothing is measured; what is switched on is said in each mail's footer
# clicks = false                            # which links a reader opens
# opens = false                             # when a mail's pictures are loaded, which is seldom the reader's doing

[api]
# key = "NEWSLETTER_API_KEY"                # the NAME of the key that opens the HTTP API of `newsletter serve`
# read_key = "NEWSLETTER_API_READ_KEY"      # the NAME of a key that may only read

# A program that is told what happens is a table [[hooks]] with url, key (NAMES of secrets) and events; any number.

[preview]
# test_addresses = []                       # to whom the preview may send a test: ["you@example.org"]
# editor = ""                               # what opens a file: vscode, zed, idea…; empty goes by VISUAL and EDITOR

[check]
# A rule's name with "off", "info", "warning" or "error", such as  image-alt-missing = "error"

[links]
# timeout = "10s"                           # how long a check waits for a site
# deadline = "1m"                           # and for all of them
# pause = "0.2s"                            # between two calls to one site
# max_age = "1d"                            # how long an answer is remembered
# at_once = 16                              # sites that are asked at the same time
# allow = []                                # hosts of a private network that may be tried

[spelling]
# words = "words.txt"                       # words that are right here, one a line
"""

_WELCOME = """\
---
subject: @SUBJECT@
subtitle: What to expect, and how to read it
preheader: The first issue, with one of everything that the later ones will use.
status: ready
number: 1
tags: [welcome]
---

Hello {{ name | default("there") }},

this is the first issue. From now on one comes every Tuesday and Friday, and the link at the end of each takes you off
the list at once. This one is short and shows what an issue can hold.

## 1. How an issue is made

An editor writes it in Markdown[^md], a second person reads the preview, and what they approve is what you get.

```
┌────────────────────────────────────────┐
│ 📝 written ──► 🔎 checked ──► ✅ read  │
│                                  │     │
│                                  ▼     │
│                📬 sent, once to each   │
└────────────────────────────────────────┘
```

[^md]: Plain text with a few signs: `*stars*` around a word make it *slanted*.

Two rules hold for each:

1. Nothing goes out that nobody has read.
2. Nothing goes out twice.

## 2. How to read it

- Start anywhere. Headings are numbered so that you can tell a friend where to look.
- A word such as preheader is explained where it first stands.
    - Its definition comes right below the paragraph.
    - A link leads on, if there is more to say.

Each form has its use:

| Form    | For what                 |
|:--------|:-------------------------|
| list    | steps, or things alike   |
| table   | things to compare        |
| drawing | how things hang together |

> Answer this mail if something is unclear. Somebody reads it.
"""

_GLOSSARY = """\
# Terms explained at their first use in an issue. Short form: term = "definition". A term with spaces stands in quotes.

[preheader]
definition = "The line that an inbox shows after the subject."
# url = "https://example.org/preheader"     # where to learn more
# term = "Preheader"                        # how the explanation spells it
"""

_GITIGNORE = """\
# Subscribers, the database, keys and sent mails: never in git.
.newsletter/
"""

_README = """\
# @NAME@

Issues are Markdown files in `issues/`, one a file. Terms in `glossary.toml` are explained at their first use. What
several issues share lies in `snippets/`: a line `{{ snippet: NAME }}` puts in `snippets/NAME.md`.

```
newsletter new "A title"      # a draft for the next free slot
newsletter check              # what would go wrong
newsletter build              # the mail as files in build/
newsletter approve ISSUE      # it goes out in the next slot
newsletter status             # what is queued, what was sent
```

Before the first real sending, fill in `newsletter.toml`: `base_url`, `sender`, `postal_address`, `timezone`, and
`name = "autosend"` under `[provider]`.
"""
