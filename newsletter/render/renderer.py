"""The one way to render: issue, publication and theme in, edition out; equal in, equal bytes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from email.utils import parseaddr
from html import escape
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from lxml import etree, html

from newsletter.content.drawing import Look
from newsletter.content.issue import Issue
from newsletter.content.markdown.document import Document, read_markdown
from newsletter.content.markdown.highlight import highlight, plain_beyond
from newsletter.content.markdown.mergetags import Shield, Typed
from newsletter.content.pictures import Picture, Pictures
from newsletter.finding import Finding, Severity
from newsletter.render.drawn import Drawn, draw_diagrams
from newsletter.render.edition import Edition
from newsletter.render.finishing import finish, for_web, structured_data
from newsletter.render.inline import inline
from newsletter.render.language import day_text, direction, promise, reading_minutes
from newsletter.render.links import resolve_all
from newsletter.render.measuring import measure, sources
from newsletter.render.placing import move, place, relative_to_page, within_mail
from newsletter.render.site import IssueLink, Site
from newsletter.render.text import to_text
from newsletter.render.theme import Theme
from newsletter.render.variables import Variables
from newsletter.render.words import SOURCE, Words

NONE = Pictures()
KEEP_READING = 3  # earlier issues listed at the end
_PREHEADER = 110  # characters; more than any inbox shows
_COLOURED = 400  # spans of code in a mail, of some 50 bytes each: a fifth of what Gmail shows


def render(issue: Issue, site: Site, theme: Theme, pictures: Pictures = NONE) -> Edition:
    """The edition of an issue and the local pictures that were read for it.

    Raises ContentError only for what is wrong with the theme; the rest are findings.
    """
    draft = _Draft.of(issue, site, pictures.pictures)
    address = site.page_of(issue.slug)
    words = theme.words(issue.language or site.language)
    parts, root = draft.variables, finish(draft.document.root, words, direction(issue.language or site.language))
    body_text = to_text(root, image=words("Image"))
    drawn = _drawn(draft, root, theme, pictures.font)
    shown = (*pictures.pictures, *drawn.pictures)
    values = _values(draft, words)
    text = theme.fill("email.txt", values | {"body": body_text})
    web_root = for_web(root)
    move(web_root, relative_to_page(shown, address))
    web = theme.fill("web.html", values | {"body": _markup(web_root)})
    if pictures.embed:
        move(root, within_mail(shown, address))
    if draft.coloured:
        plain_beyond(root, _COLOURED)
    page = theme.mail(values | {"body": _markup(root)})
    measured = {"clicks": site.clicks, "opens": site.opens}
    edition = Edition(
        slug=issue.slug,
        language=values["language"],
        sender=site.sender,
        reply_to=site.reply_to,
        subject=parts.template(draft.subject),
        preheader=parts.template(draft.preheader),
        html=measure(parts.template(inline(page, theme.fill("email.css", {})), escape), **measured),
        text=parts.template(_tidy(text)),
        web=parts.plain(web, escape, {"unsubscribe_url": f"{site.base_url}/unsubscribe/"}),
        headers=_headers(draft),
        variables=parts.sources | sources(**measured),
        source_digest=issue.source_digest,
        pictures=shown,
    )
    findings = (*pictures.findings, *draft.document.findings, *drawn.findings, *parts.findings)
    findings += _untranslated(issue, site, words)
    return replace(edition, findings=findings).frozen()


@dataclass(frozen=True)
class _Draft:
    """An issue half-way: Markdown read, merge tags still tokens."""

    issue: Issue
    site: Site
    shield: Shield
    variables: Variables
    document: Document
    coloured: bool
    subject: str
    title: str
    subtitle: str
    preheader: str

    def typed(self, text: str) -> str:
        """`text` with its merge tags as they were typed."""
        return self.shield.reveal(text, attrgetter("source"))

    @classmethod
    def of(cls, issue: Issue, site: Site, pictures: Sequence[Picture]) -> _Draft:
        shown = (issue.subject, issue.title, issue.subtitle, issue.preheader)
        shield = Shield.for_sources([*shown, issue.body])
        keys = ("subject", "title", "subtitle", "preheader")
        hidden = [shield.hide(text, issue.line_of(key)) for key, text in zip(keys, shown, strict=True)]
        body = shield.hide(issue.body, issue.body_line)
        document = read_markdown(body, site.glossary, issue.file, issue.body_line)
        place(document.root, pictures, site.page_of(issue.slug))
        resolve_all(document.root, site, issue.slug, shield.prefix)
        _drop_ways_back(document.root, site.page_of(issue.slug))
        constants = {f"vars.{key}": str(value) for key, value in issue.vars.items()}
        constants |= {"web_url": site.page_of(issue.slug), "publication": site.name}
        literal = frozenset(_numbers_in_code(document.root, shield))
        coloured = highlight(document.root, lambda code: shield.reveal(code, attrgetter("source")))
        variables = Variables(shield, constants, issue.file, literal)
        subject, title, subtitle, preheader = hidden
        preheader = preheader or subtitle or _beginning(document.root)
        return cls(issue, site, shield, variables, document, coloured, subject, title, subtitle, preheader)


def _drawn(draft: _Draft, root: html.HtmlElement, theme: Theme, font: bytes) -> Drawn:
    """The diagrams of `root` as pictures, in place, where there is a font for them."""
    if not font:
        return Drawn()
    look = Look(font, theme.tokens["light"]["ink"], theme.tokens["light"]["panel"])
    page = draft.site.page_of(draft.issue.slug)
    return draw_diagrams(root, look, draft.issue, page, column=theme.column, typed=draft.typed)


def _drop_ways_back(root: html.HtmlElement, page: str) -> None:
    """Take out the glossary's "learn more" links that lead to this very issue."""
    for link in list(root.iter("a")):
        if link.get("class") == "more" and link.get("href") == page:
            link.drop_tree()


def _numbers_in_code(root: html.HtmlElement, shield: Shield) -> set[int]:
    """The merge tags that stand in code: there they are shown, not filled."""
    pattern = shield.pattern
    texts = (str(element.text_content()) for element in root.iter("code", "pre", "kbd", "samp"))
    return {int(match[1]) for text in texts for match in pattern.finditer(text)}


def _beginning(root: html.HtmlElement) -> str:
    """The first paragraph as the inbox's preview line."""
    paragraph = next((" ".join(str(p.text_content()).split()) for p in root.iter("p")), "")
    return paragraph if len(paragraph) <= _PREHEADER else paragraph[:_PREHEADER].rsplit(" ", 1)[0] + " …"


def _values(draft: _Draft, words: Words) -> dict[str, Any]:
    """What a theme's templates are given; docs/themes.md explains each."""
    issue, site, root = draft.issue, draft.site, draft.document.root
    language = issue.language or site.language
    following = site.issue(issue.next) if issue.next else None
    before = [_entry(link, site) for link in site.before(issue.slug)[:KEEP_READING]]
    minutes = reading_minutes(str(root.text_content()))
    date = day_text(issue.date, words) if issue.date else ""
    number = words("No. %(number)s", number=issue.number) if issue.number else ""
    return {
        "_": words,
        "site": site,
        "issue": issue,
        "language": language,
        "dir": direction(language),
        "subject": draft.subject,
        "title": draft.title,
        "subtitle": draft.subtitle,
        "preheader": draft.preheader,
        "date": date,
        "minutes": minutes,
        "meta": [part for part in (number, date, words("%(minutes)s min read", minutes=minutes)) if part],
        "widths": sorted({int(width) for figure in root.iter("figure") if (width := figure.get("data-columns"))}),
        "coloured": draft.coloured,
        "web_url": site.page_of(issue.slug),
        "unsubscribe_url": draft.shield.token(Typed("{{ unsubscribe_url }}")),
        "picture_url": next(_pictures(root), ""),
        "next": _entry(following, site) if following else None,
        "previous": before[0] if before else None,
        "keep_reading": before,
        "promise": promise(site.days, words),
        "feedback_url": _feedback(site.feedback),
        "feedback_address": _feedback(site.feedback).removeprefix("mailto:").partition("?")[0],
        "postal_lines": [line.strip() for line in site.postal_address.splitlines() if line.strip()],
        "structured_data": _raw(structured_data(issue, site, draft.title, draft.preheader, minutes)),
    }


def _untranslated(issue: Issue, site: Site, words: Words) -> tuple[Finding, ...]:
    """A finding where the theme has no words in the issue's language."""
    language = issue.language or site.language
    if words.language.lower() == SOURCE != re.split("[-_]", language.lower())[0]:
        message = f'there are no words in "{language}": "{words("Read online")}" and the like stand in English'
        fix = f"translate templates/default/words/en.po to templates/THEME/words/{language}.po"
        line = issue.key_lines.get("language") or issue.key_lines.get("lang")
        file = issue.file if line else "newsletter.toml"
        return (Finding("language-without-words", Severity.WARNING, message, file, line, None, fix),)
    return ()


def _pictures(root: html.HtmlElement) -> Iterator[str]:
    """The web addresses of the pictures, for those who share the page."""
    return (source for image in root.iter("img") if (source := image.get("src") or "").startswith("https://"))


def _entry(link: IssueLink, site: Site) -> dict[str, Any]:
    return {"title": link.title, "subtitle": link.subtitle, "url": site.page_of(link.slug)}


def _feedback(feedback: str) -> str:
    whole = urlsplit(feedback).scheme or "@" not in feedback
    return feedback if whole else f"mailto:{feedback}"


def _headers(draft: _Draft) -> dict[str, str]:
    """RFC 8058 one-click, RFC 2369 and RFC 2919: who the list is, and how to leave it."""
    token = draft.shield.token(Typed("{{ unsubscribe_url }}"))
    host = urlsplit(draft.site.base_url).hostname or parseaddr(draft.site.sender)[1].rpartition("@")[2]
    name = "".join(char for char in draft.site.name if char.isascii() and (char.isalnum() or char == " "))
    return {
        "List-Id": f"{name} <newsletter.{host}>".strip(),
        "List-Unsubscribe": draft.variables.template(f"<{token}>"),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _markup(root: html.HtmlElement) -> Any:
    """The blocks below `root` as HTML that a template does not escape."""
    return _raw("".join(etree.tostring(block, method="html", encoding="unicode") for block in root))


def _raw(text: str) -> Any:
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(text)  # noqa: S704 - cleaned by content, or a theme's own file


def _tidy(text: str) -> str:
    """Without spaces at line ends, but for the mark before a mail's signature (RFC 3676 section 4.3)."""
    lines = [line if line == "-- " else line.rstrip() for line in text.strip().split("\n")]
    kept = [line for number, line in enumerate(lines) if line or lines[number - 1]]
    return "\n".join(kept) + "\n"
