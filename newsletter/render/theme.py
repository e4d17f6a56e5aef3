"""A theme: the Jinja2 templates and style sheets of one folder under `templates/`, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.content.files import decode, read_bytes
from newsletter.errors import ConfigError, ContentError

if TYPE_CHECKING:
    import jinja2

NEEDED = ("email.html", "email.css", "email.txt", "web.html", "web.css")
_SUFFIXES = (".html", ".css", ".txt")


@dataclass(frozen=True)
class Theme:
    """A theme's files by name. `email.css` is inlined; `head.css`, if there, goes into the email's head as it is."""

    name: str
    files: Mapping[str, str]
    folder: Path = Path()

    def fill(self, template: str, values: Mapping[str, Any]) -> str:
        """The template of that name filled with `values`; HTML is escaped unless the template is a `.txt`.

        Raises ContentError with the template's file and line for what Jinja2 cannot read or does not know.
        """
        import jinja2  # noqa: PLC0415 - 60 ms

        environment = _environment(self.folder, tuple(self.files.items()))
        try:
            return environment.get_template(template).render(values)
        except jinja2.TemplateNotFound as error:
            raise ContentError(self.folder / template, None, f'there is no template "{error.name}"', "add it") from None
        except jinja2.TemplateSyntaxError as error:
            file = error.filename or str(self.folder / template)
            raise ContentError(file, error.lineno, error.message or "cannot be read", "see docs/themes.md") from None
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            line = _line_in(error, str(self.folder))
            raise ContentError(
                self.folder / template, line, f"the template fails: {error}", "see docs/themes.md"
            ) from error


def read_theme(folders: Sequence[Path], name: str) -> Theme:
    """The theme `name` from the first of `folders` that has it.

    Raises ConfigError where none has, or where a file that every theme needs is missing; ContentError for a file that
    is no text.
    """
    folder = next((parent / name for parent in folders if (parent / name).is_dir()), None)
    if folder is None:
        raise ConfigError(f'[theme] name: there is no theme "{name}"', f"looked for in {', '.join(map(str, folders))}")
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _SUFFIXES and path.is_file():
            data = read_bytes(path)
            silent = path.suffix == ".css" and not data.strip()  # a style sheet may have nothing to say
            files[path.name] = "" if silent else decode(path, data)
    missing = [file for file in NEEDED if file not in files]
    if missing:
        raise ConfigError(f"{folder}: the theme lacks {', '.join(missing)}", "copy it from the default theme")
    return Theme(name, files, folder)


@lru_cache(maxsize=4)
def _environment(folder: Path, files: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    """Jinja2 over the files of one theme; kept by their text, as compiling takes longer than filling."""
    import jinja2  # noqa: PLC0415

    sources = {name: (text, str(folder / name), lambda: True) for name, text in files}
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(sources.get),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _line_in(error: BaseException, folder: str) -> int | None:
    """The line of the template in which `error` was raised: Jinja2 puts it into the traceback."""
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename.startswith(folder):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
