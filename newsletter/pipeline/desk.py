"""The editor's side: the issues of a publication, each read, rendered and checked in the one way there is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.content.glossary import read_glossary
from newsletter.content.issue import Issue
from newsletter.content.pictures import RULE as IMAGE_RULE
from newsletter.content.pictures import Pictures, Wanted, read_pictures
from newsletter.content.reader import Folder, read_folder, read_issue
from newsletter.content.slugs import slugify
from newsletter.errors import ConfigError, ContentError, UsageError
from newsletter.finding import Finding, Severity
from newsletter.publication import Publication
from newsletter.render.edition import Edition
from newsletter.render.site import IssueLink, Site
from newsletter.render.theme import Theme, read_theme

if TYPE_CHECKING:
    from newsletter.check.inspection import Inspection
    from newsletter.check.known import Known
    from newsletter.check.rule import Rule

_SUFFIXES = (".md", ".markdown")
_IMAGE = re.compile(r"!\[|<img\b", re.IGNORECASE)
_EMBEDDERS = frozenset({"outbox"})  # providers that carry images within a mail
_CREDITS = {"autosend": ("AutoSend", "https://autosend.com")}


@dataclass(frozen=True)
class Desk:
    """A publication's issues, and all that rendering one of them needs. Files are read when it is opened."""

    publication: Publication
    folder: Folder
    site: Site

    def find(self, reference: str) -> Issue:
        """The issue that `reference` means: a path to a Markdown file, a slug, or the name of a file in `issues/`.

        Raises ContentError where the file cannot be read, UsageError where there is no such issue.
        """
        path = Path(reference)
        if path.suffix.lower() in _SUFFIXES:
            # As typed, else from the publication's folder or from issues/: a command may be run from anywhere.
            places = (path, self.publication.folder / path, self.publication.issues / path)
            return read_issue(next((place for place in places if os.path.lexists(place)), path))
        for issue in self.folder.issues:
            if issue.slug == reference:
                return issue
        if error := self.error_of(reference):
            raise error
        known = ", ".join(issue.slug for issue in self.folder.issues[-5:]) or "none yet"
        raise UsageError(f'there is no issue "{reference}"', f"the last issues are: {known}")

    def error_of(self, slug: str) -> ContentError | None:
        """Why the file that would be the issue `slug`, as far as its name tells, cannot be read; None without one."""
        for error in self.folder.broken:
            stem = Path(error.path).stem
            if stem == slug or f"-{slugify(stem)}".endswith(f"-{slug}"):
                return error
        return None

    def theme_of(self, issue: Issue) -> Theme:
        """The theme of an issue: its own `template`, else the publication's."""
        look = self.publication.config.theme
        if not issue.template:
            return read_theme(self.publication.themes, look.name, look)
        try:
            return read_theme(self.publication.themes, issue.template, look)
        except ConfigError as error:  # named in the issue, so the issue is what is wrong
            line = issue.key_lines.get("template")
            raise ContentError(
                issue.path, line, f'template: there is no theme "{issue.template}"', error.hint
            ) from None

    def holds(self, issue: Issue) -> bool:
        """Whether the issue's file lies in `issues/`, where the scheduler looks for it when its slot opens."""
        return issue.path.absolute().parent.resolve() == self.publication.issues.resolve()

    def render(self, issue: Issue) -> Edition:
        """The issue's edition; raises ContentError or ConfigError for what is wrong with its theme."""
        from newsletter.render.renderer import render

        theme = self.theme_of(issue)
        return render(issue, self.site, theme, self.pictures_of(issue, theme))

    def pictures_of(self, issue: Issue, theme: Theme) -> Pictures:
        """The pictures beside the issue that it shows, as `[theme] images` has it; what is wrong is a finding."""
        config = self.publication.config
        wanted = _wanted(issue) if config.theme.images != "remote" and _IMAGE.search(issue.body) else ()
        drawn = issue.diagram == "image"
        if not wanted and not drawn:
            return Pictures()
        folder = self.publication.folder
        root = folder if issue.path.resolve().is_relative_to(folder) else issue.path.parent
        embed = config.theme.images == "embed"
        pictures = read_pictures(issue.path, wanted, root, theme.column, embed=embed, file=issue.file)
        if embed and config.provider.name not in _EMBEDDERS:
            message = f'{config.provider.name} carries no images within a mail, and [theme] images is "embed"'
            line = wanted[0].line if wanted else issue.line_of("diagram")
            found = Finding(IMAGE_RULE, Severity.ERROR, message, issue.file, line, None, 'images = "host"')
            pictures = replace(pictures, findings=(*pictures.findings, found))
        return self._with_font(pictures, issue) if drawn else pictures

    def _with_font(self, pictures: Pictures, issue: Issue) -> Pictures:
        """`pictures` with the font that diagrams are drawn with; without one they stay text, and a finding says why."""
        from newsletter.content.drawing import RULE, read_font

        try:
            font = read_font(self.publication.config.theme.diagram_font, self.publication.folder)
            return replace(pictures, font=font)
        except ImportError:
            reason, fix = "Pillow is not installed", 'pip install "newsletter[images]"'
        except OSError as error:
            reason, fix = str(error), "name a monospace font: [theme] diagram_font"
        message, line = f"diagrams are not drawn as pictures: {reason}", issue.line_of("diagram")
        found = Finding(RULE, Severity.WARNING, message, issue.file, line, None, fix)
        return replace(pictures, findings=(*pictures.findings, found))

    def check(self, issue: Issue, edition: Edition, now: datetime) -> tuple[Finding, ...]:
        """What the rules have to say, the worst first; without network and database."""
        return self.findings(self.inspect(issue, edition, now))

    def inspect(self, issue: Issue, edition: Edition, now: datetime) -> Inspection:
        """The issue as rules look at it; `known` holds what files can tell."""
        from newsletter.check.inspection import Inspection

        today = now.astimezone(self.publication.config.schedule.zone).date()
        known = self.known
        if self.levels.get("word-misspelt", "off") != "off":
            from newsletter.check.spelling import speller

            words = self.publication.folder / self.publication.config.spelling.words
            known = replace(known, misspelt=speller(issue.language or self.site.language, words))
        return Inspection(issue, edition, self.site, today, self.folder.issues, known)

    def findings(self, inspection: Inspection) -> tuple[Finding, ...]:
        """What the rules have to say of an inspection, the worst first."""
        from newsletter.check.run import check

        return check(inspection, self.levels, self.limits, self.rules)

    @cached_property
    def known(self) -> Known:
        """What the files of the publication and of the program tell the rules."""
        from newsletter.check.caniemail import read_support
        from newsletter.check.known import Known

        return Known(support=read_support(self.publication.config.clients), notes=self._plugins[1])

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules that a check of this publication runs."""
        from newsletter.check.registry import RULES

        return (*RULES, *self._plugins[0])

    @cached_property
    def _plugins(self) -> tuple[tuple[Rule, ...], tuple[Finding, ...]]:
        from newsletter.check.plugins import load_rules
        from newsletter.check.registry import RULES

        return load_rules(self.publication.folder, RULES)

    @property
    def levels(self) -> dict[str, str]:
        """How bad each rule is that `[check]` sets."""
        settings = self.publication.config.check
        return {name: setting.severity for name, setting in settings.items() if setting.severity}

    @property
    def limits(self) -> dict[str, float]:
        """The threshold of each rule that `[check]` sets."""
        settings = self.publication.config.check
        return {name: setting.limit for name, setting in settings.items() if setting.limit is not None}


def open_desk(publication: Publication, read: Callable[[Path], Issue] | None = None) -> Desk:
    """Read the publication's issues, each with `read` (else `read_issue`), and its glossary.

    Raises ContentError where the folder or the glossary cannot be read; a broken issue is in `folder.broken`.
    """
    folder = read_folder(publication.issues, read)
    return Desk(publication, folder, _site(publication, folder))


def errors_of(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those that keep an issue from being approved and sent."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def _wanted(issue: Issue) -> tuple[Wanted, ...]:
    """The relative addresses of images in an issue, each with its place in the file."""
    from newsletter.check.addresses import is_relative
    from newsletter.check.source import scan
    from newsletter.content.prose import prose_of

    found = []
    for link in scan(issue.body, prose_of(issue.body).text).links:
        if link.image and is_relative(link.target) and not link.target.startswith("/"):
            line_start = issue.body.rfind("\n", 0, link.at) + 1
            line = issue.body_line + issue.body.count("\n", 0, link.at)
            found.append(Wanted(link.target, line, link.at - line_start + 1))
    return tuple(found)


def _site(publication: Publication, folder: Folder) -> Site:
    config = publication.config.publication
    credit, credit_url = _CREDITS.get(publication.config.provider.name, ("", ""))
    return Site(
        name=config.name,
        base_url=config.base_url,
        sender=config.sender,
        reply_to=config.reply_to,
        postal_address=config.postal_address,
        language=config.language,
        description=config.description,
        feedback=config.feedback,
        days=publication.config.schedule.days,
        credit=credit,
        credit_url=credit_url,
        clicks=publication.config.tracking.clicks,
        opens=publication.config.tracking.opens,
        issues=tuple(
            IssueLink(issue.slug, issue.title, issue.subtitle, issue.number, issue.path.name) for issue in folder.issues
        ),
        glossary=read_glossary(publication.folder),
    )
