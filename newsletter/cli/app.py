"""The commands by name. Each parses, calls one function, prints; what is heavy is imported inside the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import typer

from newsletter.cli import (
    audience,
    bounces,
    checking,
    ci,
    completion,
    database,
    demo,
    doctor,
    editing,
    manual,
    moving,
    numbers,
    planning,
    previewing,
    publishing,
    readers,
    sending,
    simulator,
    theming,
    working,
)
from newsletter.cli.arguments import EVERYWHERE, EXIT_CODES, example
from newsletter.cli.opening import publication_of
from newsletter.cli.output import Output
from newsletter.cli.testing import PASS_ON, run_tests

app = typer.Typer(
    name="newsletter",
    help="Markdown issues in; rendered, checked, approved, and sent once to each reader in their slot.",
    epilog=f"{EVERYWHERE}\n\n{EXIT_CODES}",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
config = typer.Typer(help="See what is configured.")
app.command("demo", epilog=example("demo"))(demo.demo)
for command in (editing.init, editing.new, checking.check, editing.build, editing.approve, editing.unapprove):
    app.command(command.__name__, epilog=example(command.__name__))(command)
app.command("preview", epilog=example("preview"))(previewing.preview)
app.command("new-theme", epilog=example("new-theme"))(theming.new_theme)
app.add_typer(planning.queue, name="queue")
app.command("ci", epilog=example("ci"))(ci.ci)
app.command("calendar", epilog=example("calendar"))(planning.calendar)
app.command("send", epilog=example("send"))(sending.send)
app.command("stop", epilog=example("stop"))(sending.stop)
app.command("resume", epilog=example("resume"))(sending.resume)
app.command("status", epilog=example("status"))(sending.status)
app.command("stats", epilog=example("stats"))(numbers.stats)
app.add_typer(planning.scheduler, name="scheduler")
app.command("worker", epilog=example("worker"))(working.worker)
app.command("simulator", epilog=example("simulator"))(simulator.run)
for act in (readers.add, readers.remove, readers.forget, readers.suppress):
    audience.app.command(act.__name__, epilog=example(act.__name__))(act)
app.add_typer(audience.app, name="subscribers")
app.command("serve", epilog=example("serve"))(publishing.serve)
app.add_typer(publishing.archive, name="archive")
app.add_typer(bounces.app, name="bounces")
app.add_typer(database.app, name="db")
app.command("doctor", epilog=example("doctor"))(doctor.doctor)
app.add_typer(config, name="config")
app.command("import-site", epilog=example("import-site"))(moving.import_site)
app.command("export-site", epilog=example("export-site"))(moving.export_site)
app.command("completion", epilog=example("completion"))(completion.completion)
app.command("manual", epilog=example("manual"))(manual.manual)
app.command("test", epilog=example("test"), context_settings=PASS_ON)(run_tests)


@config.command("show", epilog=example("config show"))
def show_config(context: typer.Context) -> None:
    """Show the configuration in effect.

    Defaults are included, secrets appear by their names only; what is printed can be a newsletter.toml.
    """
    from newsletter.config import as_written
    from newsletter.store.database import shown_address

    out: Output = context.obj
    out.command = "config show"
    publication = publication_of(out)
    data = as_written(publication.config)
    data["storage"]["database_url"] = shown_address(data["storage"]["database_url"])
    if not data["fallback"]["name"]:
        del data["fallback"]
    lines = [f"# {publication.folder / 'newsletter.toml'}, with all defaults"]
    for section, values in _tables(data):
        lines += ["", f"[[{section}]]" if isinstance(data.get(section), list) else f"[{section}]"]
        for key, value in values.items():
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}{_state(value) if key == 'api_key' else ''}")
    out.result({"folder": str(publication.folder), "config": data}, lines)


def _state(name: str) -> str:
    from newsletter.config import secret

    return "  # set" if secret(name) else "  # not set"


def _tables(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sections by name, with those within them (`theme.light`) behind; empty ones of these are left out."""
    for section, values in data.items():
        if isinstance(values, list):  # `[[hooks]]`
            yield from ((section, each) for each in values)
            continue
        yield section, {key: value for key, value in values.items() if not isinstance(value, dict)}
        for key, value in values.items():
            if isinstance(value, dict) and value:
                yield f"{section}.{key}", value
