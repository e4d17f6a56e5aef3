"""What a rule may look at: an issue, its edition, the publication around it, and what is often asked of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from newsletter.check.known import NOTHING, Known
from newsletter.check.source import Heading, Link, Scan, blanked, headings, scan
from newsletter.content.headings import first_heading
from newsletter.content.issue import Issue
from newsletter.content.prose import Prose, prose_of
from newsletter.render.edition import Edition
from newsletter.render.measuring import bare
from newsletter.render.site import Site

if TYPE_CHECKING:
    from lxml.html import HtmlElement


_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n(?![ \t>]*(?:\n|$|[-*+] |\d{1,9}[.)] |\|))[^\n]+)*")
_KEY = re.compile(r"[\s\"'\[-]*[\w.-]+[\"'\]]?\s*[:=]\s*[\"']?(?=\S)")


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


@dataclass(frozen=True)
class Inspection:
    """One issue under check. `issues` are all issues of the publication in their order, this one among them.

    `known` is what was found out elsewhere: rules themselves look at no network, database or file.
    """

    issue: Issue
    edition: Edition
    site: Site
    today: date
    issues: tuple[Issue, ...] = ()
    known: Known = NOTHING

    def at(self, offset: int) -> tuple[int, int]:
        """The line and column in the file, both 1-based, of a 0-based place in the body."""
        row = bisect_right(self._line_starts, offset) - 1
        return self.issue.body_line + row, offset - self._line_starts[row] + 1

    def place(self, *names: str) -> tuple[int, int]:
        """Line and column of the value of the first front matter key among `names` that is written.

        A title that is no key is the first heading; what is written nowhere is at the file's start.
        """
        written = self.issue.key_lines
        line = next((written[name] for name in names if name in written), None)
        if line is None and "title" in names:
            below = self._lines[self.issue.body_line - 1 :]  # the issue's body no longer has it
            heading = first_heading("\n".join(below))
            return (heading.start + self.issue.body_line, 1) if heading else (1, 1)
        if line is None:
            return 1, 1
        value = _KEY.match(self.line(line))
        return line, value.end() + 1 if value else 1

    def line(self, number: int) -> str:
        """The file's line of that number, counted from 1; "" where it has none."""
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    @property
    def page(self) -> str:
        """The address of the issue's page on the web."""
        return f"{self.site.base_url}/{self.issue.slug}/"

    @cached_property
    def others(self) -> tuple[Issue, ...]:
        """The publication's issues without this one."""
        return tuple(other for other in self.issues if not self.is_this(other))

    @cached_property
    def earlier(self) -> tuple[Issue, ...]:
        """The publication's issues before this one."""
        return tuple(takewhile(lambda other: not self.is_this(other), self.issues))

    def is_this(self, other: Issue) -> bool:
        """Whether `other` is this issue, read under another path perhaps: issues lie in one folder."""
        return other.path.name == self.issue.path.name

    @cached_property
    def prose(self) -> Prose:
        """The body with its code blanked."""
        return prose_of(self.issue.body)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The body's links and images as they were typed."""
        return self._scan.links

    @cached_property
    def addresses(self) -> Mapping[str, tuple[int, int] | None]:
        """The web addresses in the email, each with its first place in the file (None: only the theme has it).

        The publication's own pages are not among them: they are made of its issues, and known without asking the web;
        nor is the provider's, which is ours to look after.
        """
        typed: dict[str, tuple[int, int]] = {}
        for link in self.links:
            whole = link.target if "//" in link.target else f"https://{link.target}"
            typed.setdefault(unquote(whole.strip()), self.at(link.at))
        found: dict[str, tuple[int, int] | None] = {}
        own = urlsplit(self.site.base_url).hostname
        for url in map(str, self.tree.xpath("//a/@href | //img/@src")):
            if (host := _host(url)) and host != own and "{{" not in url and url != self.site.credit_url:
                found.setdefault(url, typed.get(unquote(url)))
        return found

    @cached_property
    def words(self) -> str:
        """The body with all blanked that is not prose; every other character is in its place."""
        return self._scan.words

    @cached_property
    def unlinked(self) -> str:
        """The body without code and without its links and images; a bare address stays, and so does what is no link."""
        return blanked(self.prose.text, [(link.start, link.end) for link in self.links if not link.bare])

    @cached_property
    def paragraphs(self) -> tuple[tuple[int, str], ...]:
        """The blocks of `words` between empty lines, list items apart, each with its place in the body."""
        return tuple((match.start(), match[0]) for match in _PARAGRAPH.finditer(self.words))

    def locate(self, text: str) -> tuple[int | None, int | None]:
        """The place of the first words of a text that was seen in the HTML; nothing where the body has them not."""
        words = re.findall(r"\w+", text)[:8]
        found = re.search(r"\W+".join(words), self.issue.body) if words else None
        return self.at(found.start()) if found else (None, None)

    @cached_property
    def headings(self) -> tuple[Heading, ...]:
        """The body's headings as they were typed."""
        return tuple(headings(self.prose.text))

    @cached_property
    def tree(self) -> HtmlElement:
        """The edition's HTML, parsed."""
        from lxml import html  # noqa: PLC0415

        parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
        return html.document_fromstring((bare(self.edition.html) or "<html></html>").encode(), parser=parser)

    @cached_property
    def ids(self) -> frozenset[str]:
        """What a link within the email may lead to."""
        return frozenset(str(name) for name in self.tree.xpath("//@id | //a/@name"))

    def knows(self, reference: str) -> bool:
        """Whether `reference` (a slug, or the name or path of a file) means an issue of the publication."""
        name = reference.strip().strip("/").rsplit("/", 1)[-1]
        return name in self._names

    @property
    def names(self) -> tuple[str, ...]:
        """The slugs and file names of the publication's issues."""
        return tuple(sorted(self._names))

    @cached_property
    def _names(self) -> frozenset[str]:
        listed = {link.slug for link in self.site.issues}
        return frozenset(listed.union(*((issue.slug, issue.path.name) for issue in self.issues)))

    @cached_property
    def _scan(self) -> Scan:
        return scan(self.issue.body, self.prose.text)

    @cached_property
    def _lines(self) -> list[str]:
        return self.issue.text.split("\n")

    @cached_property
    def _line_starts(self) -> list[int]:
        starts, position = [0], 0
        for line in self.issue.body.split("\n"):
            position += len(line) + 1
            starts.append(position)
        return starts
