"""From text with tokens (`newsletter.content.markdown.mergetags`) to a template with `{{variable}}` and nothing else.

Providers fill a template with Handlebars, for which `{{`, `{{{`, `\\{{` and `}}}` are special wherever they stand. So
braces that are the author's own become variables too, whose value is just these braces: they arrive as typed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from newsletter.content.markdown.mergetags import Shield, Typed
from newsletter.finding import Finding, Severity
from newsletter.render.merge import OWN, READER_FIELDS, Fields, constant, parse

_PIECES = re.compile("(\x02[0-9]+\x03)")
_BRACES = re.compile(r"[\\{}]+")


@dataclass
class Variables:
    """The variables of one edition: made while its parts are revealed, and what was found wrong with its merge tags.

    `constants` are the values that are the same for everybody (`web_url`, `vars.x`); `literal` are the numbers of the
    tags that stand in code and so mean themselves.
    """

    shield: Shield
    constants: Mapping[str, str]
    file: str = ""
    literal: frozenset[int] = frozenset()
    sources: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _seen: set[Typed] = field(default_factory=set)

    def template(self, text: str, escape: Callable[[str], str] = str) -> str:
        """`text` with each token as `{{variable}}` or as text, and no other brace that Handlebars would read."""
        names: list[str] = []

        def mark(number: int, tag: Typed) -> str:
            shown = self._shown(number, tag)
            if shown is not None:
                return escape(shown)
            names.append(self._name(tag.expression, parse(tag.expression).field))
            return f"\x02{len(names) - 1}\x03"

        pieces = _PIECES.split(self._reveal(text, mark))
        out = []
        for index, piece in enumerate(pieces):
            if index % 2:
                out.append(f"{{{{{names[int(piece[1:-1])]}}}}}")
            else:
                out.append(self._guard(piece, after=index > 0, before=index < len(pieces) - 1))
        return "".join(out)

    def plain(self, text: str, escape: Callable[[str], str], fields: Fields) -> str:
        """`text` as somebody with these `fields` reads it, without variables: for the web page."""

        def value(number: int, tag: Typed) -> str:
            shown = self._shown(number, tag)
            return escape(parse(tag.expression).value(fields) if shown is None else shown)

        return self._reveal(text, value)

    def _reveal(self, text: str, meaning: Callable[[int, Typed], str]) -> str:
        tags = self.shield.tags
        return self.shield.pattern.sub(lambda match: meaning(int(match[1]), tags[int(match[1])]), text)

    def _shown(self, number: int, tag: Typed) -> str | None:
        """The text that a tag is for everybody, or None where it differs from reader to reader."""
        if number in self.literal:
            return tag.source
        try:
            parsed = parse(tag.expression)
        except ValueError as error:
            self._find(tag, f"{tag.source} is no merge tag: {error}", "see docs/writing.md, or put it in `code`")
            return tag.source
        if parsed.field in self.constants:
            return parsed.value(self.constants)
        if parsed.field in READER_FIELDS or (parsed.field.startswith(OWN) and parsed.field != OWN):
            return None
        known = [*READER_FIELDS, OWN + "NAME", *self.constants]
        near = difflib.get_close_matches(parsed.field, known, n=1)
        fix = f"did you mean {{{{ {near[0]} }}}}?" if near else f"there are: {', '.join(sorted(known))}"
        self._find(tag, f"unknown merge tag {tag.source}", fix + "; in `code` it is shown as typed")
        return tag.source

    def _find(self, tag: Typed, message: str, fix: str) -> None:
        if tag not in self._seen:
            self._seen.add(tag)
            found = Finding("merge-tag-unknown", Severity.ERROR, message, self.file, tag.line, tag.column, fix)
            self.findings.append(found)

    def _guard(self, text: str, *, after: bool, before: bool) -> str:
        """`text` between variables with every brace in it that could be read together with another as a variable."""

        def run(match: re.Match[str]) -> str:
            touches_next = before and match.end() == len(text) and match[0][-1] in "{\\"
            touches_last = after and match.start() == 0 and match[0][0] == "}"
            if "{{" in match[0] or touches_next or touches_last:
                return f"{{{{{self._name(constant(match[0]), 'braces')}}}}}"
            return match[0]

        return _BRACES.sub(run, text)

    def _name(self, source: str, wished: str) -> str:
        """The variable that stands for `source`: `wished`, or with a number where that is another one."""
        number = 1
        while True:
            name = wished.replace(".", "_") + ("" if number == 1 else f"_{number}")
            if self.sources.setdefault(name, source) == source:
                return name
            number += 1
