"""Arguments and words that several commands share."""

from __future__ import annotations

import typer

from newsletter.cli.completion import complete_issue

ISSUE = typer.Argument(
    metavar="ISSUE",
    help="A path, a slug, next (the one to go out next) or last (sent last).",
    autocompletion=complete_issue,
)
ISSUES = typer.Argument(
    metavar="ISSUE",
    help="Paths or slugs; all issues where there is none.",
    show_default=False,
    autocompletion=complete_issue,
)
EVERYWHERE = (
    "Everywhere: -C DIR names the publication's folder (else the nearest one above), --json answers with one JSON "
    "object, --debug adds tracebacks, --log-format json makes messages lines of a log, --version."
)
EXIT_CODES = (
    "Exit codes: 0 ok, 1 findings or failure, 2 usage, 3 configuration, 5 refused by a safety rule, 6 the provider "
    "fails for now, 7 partly sent, 130 interrupted."
)
EXAMPLES = {
    "demo": "newsletter demo --keep sample --preview",
    "init": "newsletter init my-letter",
    "new": 'newsletter new "What is a token?"',
    "check": "newsletter check --strict what-is-a-token",
    "build": "newsletter build what-is-a-token -o build",
    "approve": "newsletter approve what-is-a-token",
    "unapprove": "newsletter unapprove what-is-a-token",
    "preview": "newsletter preview next --port 8650",
    "send": "newsletter send next --test you@example.org",
    "status": "newsletter status",
    "stats": "newsletter stats last --html report.html",
    "stop": 'newsletter stop --reason "a wrong date in the text"',
    "resume": "newsletter resume",
    "new-theme": "newsletter new-theme my-letter --from letter",
    "config show": "newsletter config show",
    "queue": "newsletter queue",
    "queue list": "newsletter queue list --json",
    "run": "newsletter scheduler run",
    "worker": "newsletter worker --health-port 8652",
    "count": 'newsletter subscribers count --segment "tag:beta"',
    "simulator": "newsletter simulator --port 8026 --faults 429:0.1,500:0.05",
    "list": 'newsletter subscribers list --segment "tag:beta and not clicked:90d"',
    "export": "newsletter subscribers export -o list.csv",
    "show": "newsletter subscribers show ada@example.org",
    "add": 'newsletter subscribers add ada@example.org --consent-source "on paper, at the fair"',
    "remove": "newsletter subscribers remove ada@example.org",
    "forget": "newsletter subscribers forget ada@example.org",
    "suppress": "newsletter subscribers suppress ada@example.org --reason legal",
    "bounces": "newsletter bounces read bounces.mbox",
    "serve": "newsletter serve --port 8651",
    "archive": "newsletter archive build -o site",
    "import-site": "newsletter import-site substack-export.zip --site https://old.example --dry-run",
    "export-site": "newsletter export-site ../all-of-it",
    "completion": "newsletter completion bash > ~/.local/share/bash-completion/completions/newsletter",
    "manual": "newsletter manual | man -l -",
    "test": "newsletter test -k slot -n 0",
    "move": "newsletter queue move what-is-a-token 1",
    "hold": "newsletter queue hold what-is-a-token",
    "release": "newsletter queue release what-is-a-token",
    "ci": "newsletter ci -o preview",
    "calendar": "newsletter calendar --from 2026-11-27 --weeks 6 --ics calendar.ics",
    "explain": "newsletter scheduler explain 2026-11-27",
    "once": "newsletter scheduler once --now 2026-11-27T09:00",
    "backup": "newsletter db backup /mnt/other-disk/today.db",
    "doctor": "newsletter doctor --offline",
    "db list": "newsletter db list --json",
    "upgrade": "newsletter db upgrade",
    "restore": "newsletter db restore .newsletter/backups/newsletter-20261124T030000Z.db",
    "import": 'newsletter subscribers import list.csv --consent-source "sign-up form" --consent-date 2026-05-01',
}


def example(command: str) -> str:
    """The last line of a command's help."""
    return f"Example: {EXAMPLES[command]}"
