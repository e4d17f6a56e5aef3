"""The commands by name. Each parses, calls one function, prints; what is heavy is imported inside the command."""

from __future__ import annotations

import typer

from newsletter.cli import audience, demo, editing, planning, previewing, sending, simulator
from newsletter.cli.opening import publication_of
from newsletter.cli.output import Output
from newsletter.cli.testing import PASS_ON, run_tests

app = typer.Typer(
    name="newsletter",
    help="Markdown issues in; rendered, checked, approved, and sent once to each reader in their slot.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
config = typer.Typer(help="The configuration.", no_args_is_help=True)
app.command("demo")(demo.demo)
for command in (editing.init, editing.new, editing.check, editing.build, editing.approve, editing.unapprove):
    app.command(command.__name__)(command)
app.command("preview")(previewing.preview)
app.add_typer(planning.queue, name="queue")
app.command("send")(sending.send)
app.command("status")(sending.status)
app.add_typer(planning.scheduler, name="scheduler")
app.command("simulator")(simulator.run)
app.add_typer(audience.app, name="subscribers")
app.add_typer(config, name="config")
app.command("test", context_settings=PASS_ON)(run_tests)


@config.command("show")
def show_config(context: typer.Context) -> None:
    """Show the configuration in effect, defaults included; secrets appear by their names only."""
    out: Output = context.obj
    out.command = "config show"
    publication = publication_of(out)
    data = publication.config.model_dump(mode="json")
    lines = [f"# {publication.folder / 'newsletter.toml'}, with all defaults"]
    for section, values in data.items():
        lines += ["", f"[{section}]", *(f"{key} = {value!r}" for key, value in values.items())]
    out.result({"folder": str(publication.folder), "config": data}, lines)
