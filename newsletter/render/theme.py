"""A theme: the Jinja2 templates, style sheets, words and design tokens of one folder under `templates/`, read once.

What a theme lacks it takes from the theme `default` that comes with the program, and `THEME/FILE` names a file of
another theme, so that a template can extend it: `{% extends "default/email.html" %}`. docs/themes.md has the whole.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from newsletter.config import LookConfig
from newsletter.content.files import decode, read_bytes
from newsletter.content.markdown.diagrams import columns
from newsletter.errors import ConfigError, ContentError
from newsletter.render.words import Words, words_for

if TYPE_CHECKING:
    import jinja2

DEFAULT = "default"
TEMPLATES = ("email.html", "email.css", "head.css", "email.txt", "web.html", "web.css")
TOKENS = "theme.toml"
LARGEST = 20_000_000  # characters that a template may make; more is a loop


@dataclass(frozen=True)
class Theme:
    """A theme's files by name (`email.html`, `default/email.html`), and its design tokens.

    `email.css` is inlined, `head.css` stands in the email's head as it is, `web.css` in the web page's. `catalogues`
    are its words: a language's files as (place, text), the program's first. `places` are the paths of the files.
    """

    name: str
    files: Mapping[str, str]
    folder: Path = Path()
    tokens: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    catalogues: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=lambda: MappingProxyType({}))
    places: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def column(self) -> int:
        """How wide the text is in the mail, in px: a theme's sheet without the space beside it."""
        return int(self.tokens["width"]) - 64

    def words(self, language: str) -> Words:
        """The theme's words in a language. Raises ContentError for a catalogue that cannot be read."""
        return words_for(language, self.catalogues)

    def fill(self, template: str, values: Mapping[str, Any]) -> str:
        """The template of that name filled with `values` and the tokens, which are called `theme`.

        HTML is escaped unless the template is no `.html`. Raises ContentError with the template's file and line for
        what Jinja2 cannot read or does not know, and for templates that go on without end.
        """
        import jinja2  # noqa: PLC0415 - 60 ms

        environment = _environment(tuple(self.files.items()), tuple(map(self._place, self.files)))
        try:
            chunks = environment.get_template(template).generate({**values, "theme": self.tokens})
            return "".join(_bounded(chunks))
        except jinja2.TemplateNotFound as error:
            raise self._failure(error, template, f'there is no template "{error.name}"', "add it") from None
        except jinja2.TemplateSyntaxError as error:
            file = error.filename or self._place(template)
            raise ContentError(file, error.lineno, error.message or "cannot be read", "see docs/themes.md") from None
        except RecursionError as error:
            message = "the templates include or extend each other without end"
            raise self._failure(error, template, message, "see docs/themes.md") from None
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise self._failure(error, template, f"the template fails: {error}", "see docs/themes.md") from error

    def mail(self, values: Mapping[str, Any]) -> str:
        """`email.html` filled; ContentError also where something stands behind its end, since a parser drops that."""
        page = self.fill("email.html", values)
        behind = re.sub(r"<!--.*?-->", "", page.rpartition("</html>")[2], flags=re.DOTALL).strip()
        if "</html>" in page and behind:
            lines = self.files["email.html"].split("\n")
            line = next((number for number, text in enumerate(lines, start=1) if "</html>" in text), None)
            shown = " ".join(behind.split())[:40]
            message = f'"{shown}" stands behind </html>, where mail programs drop it'
            raise ContentError(self._place("email.html"), line, message, "put it into the body")
        return page

    def _place(self, name: str) -> str:
        return self.places.get(name) or str(self.folder / name)

    def _failure(self, error: BaseException, template: str, message: str, hint: str) -> ContentError:
        """`error` as one that names the innermost template it passed through: Jinja2 puts those into the traceback."""
        places = {self._place(name) for name in self.files}
        place, line, trace = self._place(template), None, error.__traceback__
        while trace:
            if trace.tb_frame.f_code.co_filename in places:
                place, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
            trace = trace.tb_next
        return ContentError(place, line, message, hint)


def read_theme(folders: Sequence[Path], name: str, look: LookConfig | None = None) -> Theme:
    """The theme `name` from the first of `folders` that has it; the last of them is the program's own.

    `look` is what the publication wants different about its tokens. Raises ConfigError where no folder has the theme or
    it holds nothing, ContentError for a file that is no text.
    """
    folder = next((parent / name for parent in folders if (parent / name).is_dir()), None)
    if folder is None:
        raise ConfigError(f'[theme] name: there is no theme "{name}"', f"looked for in {', '.join(map(str, folders))}")
    own = dict(_files_of(folder))
    files: dict[str, tuple[Path, str]] = {}
    for parent in dict.fromkeys(reversed(folders)):
        for other in sorted(path for path in parent.glob("*/") if path != folder or parent == folders[-1]):
            found = own if other == folder else dict(_files_of(other))
            files |= {f"{other.name}/{file}": each for file, each in found.items()}
    base = {file: files[f"{DEFAULT}/{file}"] for file in TEMPLATES if f"{DEFAULT}/{file}" in files}
    files |= base | own
    missing = [file for file in TEMPLATES if file not in files]
    if missing or not own:
        lacking = ", ".join(missing or TEMPLATES)
        raise ConfigError(f"{folder}: the theme lacks {lacking}", "start with: newsletter new-theme NAME")
    looks = [files[key] for key in (f"{DEFAULT}/{TOKENS}", TOKENS) if key in files]
    return Theme(
        name=name,
        files=MappingProxyType({key: text for key, (_, text) in files.items() if not key.endswith((".po", ".toml"))}),
        folder=folder,
        tokens=_tokens([*(_look(path, text) for path, text in looks), look or LookConfig()]),
        catalogues=_catalogues(files),
        places=MappingProxyType({key: str(path) for key, (path, _) in files.items()}),
    )


def _files_of(folder: Path) -> Iterator[tuple[str, tuple[Path, str]]]:
    """The files of one theme by their names within it, each with its path and text."""
    paths = [folder / name for name in (*TEMPLATES, TOKENS)]
    paths += [path for path in sorted(folder.glob("*.*")) if path.suffix in (".html", ".txt", ".css")]
    paths += sorted(folder.glob("words/*.po"))
    for path in dict.fromkeys(paths):
        if path.is_file() or path.is_symlink():
            data = read_bytes(path)
            silent = path.suffix == ".css" and not data.strip()  # a style sheet may have nothing to say
            yield path.relative_to(folder).as_posix(), (path, "" if silent else decode(path, data))


def _catalogues(files: Mapping[str, tuple[Path, str]]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """The `words/LANGUAGE.po` of the default theme, then of the theme itself."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for prefix in (f"{DEFAULT}/words/", "words/"):
        for key, (path, text) in files.items():
            if key.startswith(prefix):
                tag = key.removeprefix(prefix).removesuffix(".po")
                found[tag] = (*found.get(tag, ()), (str(path), text))
    return MappingProxyType(found)


@lru_cache(maxsize=16)
def _look(path: Path, text: str) -> LookConfig:
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        return LookConfig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}", "see docs/themes.md") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{path}: {key}: {first['msg'].removeprefix('Value error, ')}", "the tokens are in docs/themes.md"
        ) from None


def _tokens(looks: Sequence[LookConfig]) -> Mapping[str, Any]:
    """The tokens of `looks` together, the last one that says something weighing most."""
    tokens: dict[str, Any] = {"light": {}, "dark": {}}
    for look in looks:
        said = look.model_dump(exclude_none=True, include=set(LookConfig.model_fields))
        for palette in ("light", "dark"):
            tokens[palette] |= said.pop(palette, {})
        tokens |= said
    return MappingProxyType(tokens)


def _bounded(chunks: Iterator[str]) -> Iterator[str]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > LARGEST:
            raise ValueError(f"it makes more than {LARGEST // 1_000_000} million characters")
        yield chunk


@lru_cache(maxsize=4)
def _environment(files: tuple[tuple[str, str], ...], places: tuple[str, ...]) -> jinja2.Environment:
    """Jinja2 over the files of one theme; kept by their text: reading templates takes longer than filling them."""
    import jinja2  # noqa: PLC0415
    from jinja2.sandbox import safe_range  # noqa: PLC0415

    sources = {name: (text, place, lambda: True) for (name, text), place in zip(files, places, strict=True)}
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(sources.get),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["range"] = safe_range
    environment.filters["columns"] = columns
    return environment
