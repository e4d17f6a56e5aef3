"""The commands as a reference, made from themselves: `newsletter manual` (a man page) and `docs/commands.md`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from newsletter import __version__
from newsletter.cli.arguments import EVERYWHERE, EXIT_CODES

if TYPE_CHECKING:
    from newsletter.cli.output import Output

_WHAT = "Markdown issues in; rendered, checked, approved, and sent once to each reader in their slot."
_HEAD = f"""\
# Commands

{textwrap.fill(EVERYWHERE, 118)}

{textwrap.fill(EXIT_CODES, 118)}
[What each means](sending.md#exit-codes).

`newsletter COMMAND --help` shows the same, `newsletter manual` all of it as a man page. `newsletter completion SHELL`
prints what makes bash, zsh, fish or PowerShell complete commands, options and issues on Tab:

```sh
newsletter completion bash > ~/.local/share/bash-completion/completions/newsletter
newsletter manual > ~/.local/share/man/man1/newsletter.1
```

This page is made from the program: `python -m newsletter.cli.manual > docs/commands.md`.
"""


@dataclass(frozen=True)
class Word:
    """An argument or option: how it is written, and what it means."""

    written: str
    meaning: str


@dataclass(frozen=True)
class Entry:
    """One command as the reference shows it."""

    path: str
    usage: str
    text: str
    words: tuple[Word, ...]
    example: str


def manual(context: typer.Context) -> None:
    """Print the man page of the program."""
    from newsletter.cli.app import app

    out: Output = context.obj
    out.command = "manual"
    page = as_man_page(entries(app))
    out.result({"man": page}, page.splitlines())


def entries(app: typer.Typer) -> list[Entry]:
    """All commands of `app` that do something, in their order."""
    return [_entry(path, command) for path, command in _leaves(typer.main.get_command(app), "")]


def as_man_page(commands: list[Entry]) -> str:
    """The commands as a man page of section 1, in the macros of man(7)."""
    lines = [f'.TH NEWSLETTER 1 "" "newsletter {__version__}"', ".SH NAME", rf"newsletter \- {_roff(_WHAT)}"]
    lines += [".SH SYNOPSIS", ".B newsletter", r"COMMAND [OPTIONS] [ARGUMENTS]", ".SH DESCRIPTION", _roff(EVERYWHERE)]
    lines.append(".SH COMMANDS")
    for entry in commands:
        lines += [
            ".SS " + _roff(entry.usage),
            *(line for part in entry.text.split("\n\n") for line in (_roff(part), ".PP")),
        ]
        for word in entry.words:
            lines += [".TP", rf"\fB{_roff(word.written)}\fR", _roff(word.meaning) or r"\&"]
        lines += [".PP", "Example:", ".PP", ".EX", _roff(entry.example), ".EE"] if entry.example else []
    lines += [".SH EXIT STATUS", _roff(EXIT_CODES.removeprefix("Exit codes: "))]
    return "\n".join(lines) + "\n"


def as_markdown(commands: list[Entry]) -> str:
    """The commands as the page `docs/commands.md`."""
    parts = [_HEAD]
    for entry in commands:
        rows = "".join(f"| `{word.written}` | {_cell(word.meaning)} |\n" for word in entry.words)
        table = f"\n| | |\n|---|---|\n{rows}" if rows else ""
        example = f"\n```sh\n{entry.example}\n```\n" if entry.example else ""
        text = "\n\n".join(textwrap.fill(_escaped(part), 118) for part in entry.text.split("\n\n"))
        parts.append(f"\n## `newsletter {entry.path}`\n\n{text}\n\n    {entry.usage}\n{table}{example}")
    return "".join(parts)


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if path and (not inner or command.invoke_without_command):
        yield path, command
    for word, below in inner.items():
        yield from _leaves(below, f"{path} {word}".strip())


def _entry(path: str, command: Any) -> Entry:
    shown = [word for word in command.params if not getattr(word, "hidden", False) and "--help" not in word.opts]
    arguments = " ".join(_metavar(word) for word in shown if word.param_type_name == "argument")
    options = " [OPTIONS]" if any(word.param_type_name == "option" for word in shown) else ""
    example = re.sub(r"^Example: ", "", command.epilog or "")
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", command.help or "").strip()
    usage = f"newsletter {path}{options} {arguments}".rstrip()
    return Entry(path, usage, text, tuple(Word(_written(word), _meaning(word)) for word in shown), example)


def _metavar(word: Any) -> str:
    name = (word.metavar or word.name.upper()).strip("[]")
    return name if word.required else f"[{name}]{'...' if word.nargs == -1 else ''}"


def _written(word: Any) -> str:
    if word.param_type_name == "argument":
        return _metavar(word)
    kind = "" if word.is_flag else f" {word.metavar or word.type_descriptor.annotation.__name__.upper()}"
    return ", ".join((*word.opts, *word.secondary_opts)) + kind


def _meaning(word: Any) -> str:
    said = [word.help or ""]
    default = word.default
    if default not in (None, "", False, [], ()) and word.show_default and not callable(default):
        said.append(f"Default: {default}.")
    return " ".join(part for part in said if part)


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|").replace("\n", " ")


def _escaped(text: str) -> str:
    return text.replace("<", "\\<").replace("*", "\\*").replace("[", "\\[")


def _roff(text: str) -> str:
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    text = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in text)
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    from newsletter.cli.app import app

    print(as_markdown(entries(app)), end="")
