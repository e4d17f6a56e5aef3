"""What lies on disk now, read again only where it changed; of what is broken, the last that was good."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from newsletter.check.inspection import Inspection
from newsletter.config import FILE_NAME
from newsletter.content.issue import Issue
from newsletter.content.pictures import Pictures
from newsletter.content.reader import read_issue
from newsletter.errors import ConfigError, ContentError, NewsletterError
from newsletter.finding import Finding
from newsletter.pipeline.desk import Desk, errors_of, open_desk
from newsletter.publication import Publication, find_publication
from newsletter.render.edition import Edition
from newsletter.render.site import Site
from newsletter.render.theme import Theme
from newsletter.schedule.queue import Approved
from newsletter.store.database import Store


@dataclass(frozen=True)
class Problem:
    """Why something is not shown as it is on disk: a sentence, what to do, and the place if it is known."""

    message: str
    hint: str = ""
    path: Path | None = None
    line: int | None = None

    @classmethod
    def of(cls, error: NewsletterError) -> Problem:
        """The problem that an error tells of."""
        if isinstance(error, ContentError):
            return cls(error.message, error.hint, Path(error.path), error.line)
        return cls(error.message, error.hint)


@dataclass(frozen=True)
class Proof:
    """An issue as it would go out now; where `problem` is set, as it was when it could last be rendered."""

    name: str
    issue: Issue
    edition: Edition
    problem: Problem | None = None


@dataclass(frozen=True)
class _Rendered:
    """An edition and what it was made from: equal in, equal bytes out, so it need not be made twice.

    `version` is when that was last looked at: until the next change nothing has to be compared.
    """

    version: int
    issue: Issue
    site: Site
    theme: Theme
    pictures: Pictures
    edition: Edition


@dataclass
class Workspace:
    """One publication under preview. Its methods may be called from any thread.

    `version` grows with each change on disk; `name`, by which pages ask for an issue, is that of its file, which stays
    the same while the file is broken or its slug is changed.
    """

    publication: Publication
    store: Store
    now: Callable[[], datetime]
    read_only: bool = False
    version: int = 1
    problem: Problem | None = None
    _desk: Desk | None = None
    _good: Desk | None = None
    _stale: bool = False
    _read: dict[Path, tuple[tuple[_Stamp, ...], Issue]] = field(default_factory=dict)
    _rendered: dict[str, _Rendered] = field(default_factory=dict)
    _objections: tuple[object, Mapping[str, str]] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def changed(self, *, files: bool = True) -> int:
        """Something changed: with `files` what lies on disk is read anew at the next question. The new version.

        Never waits: it is called where pages are served, while an issue may be being rendered.
        """
        self._stale = self._stale or files
        self.version += 1
        return self.version

    def desk(self) -> Desk:
        """The publication's desk as far as it can be read; what cannot is in `problem`.

        Raises NewsletterError where it could never be read since the start.
        """
        with self._lock:
            if self._desk is None or self._stale:
                self._stale = False
                self._desk = self._open()
            return self._desk

    def names(self) -> list[str]:
        """The issues' names in their order, those that cannot be read at the end."""
        desk = self.desk()
        whole = [issue.path.name for issue in desk.folder.issues]
        return whole + [name for error in desk.folder.broken if (name := Path(error.path).name) not in whole]

    def proof(self, name: str) -> Proof:
        """The issue in the file `name`, rendered; or as it was last rendered, with the problem that keeps it so.

        Raises NewsletterError where it never could be rendered, KeyError where there is no such file.
        """
        with self._lock:
            desk = self.desk()
            broken = next((error for error in desk.folder.broken if Path(error.path).name == name), None)
            if broken is not None:
                return self._last(name, broken)
            issue = next((issue for issue in desk.folder.issues if issue.path.name == name), None)
            if issue is None:
                self._rendered.pop(name, None)
                raise KeyError(name)
            try:
                edition = self._render(desk, issue)
            except (ContentError, ConfigError) as error:
                return self._last(name, error)
            return Proof(name, issue, edition, self.problem)

    def known(self, name: str) -> Issue | None:
        """The issue in the file `name` as it was last read, whatever the file holds now."""
        with self._lock:
            rendered = self._rendered.get(name)
            return rendered.issue if rendered else None

    def objections(self, waiting: Sequence[Approved]) -> Mapping[str, str]:
        """Why some of the approved issues would be passed over, as the scheduler would say it; by slug.

        Looked at once after each change on disk and in the queue.
        """
        from newsletter.pipeline.agenda import objections_to

        with self._lock:
            key = (self.version, tuple((issue.slug, issue.source_digest) for issue in waiting))
            if self._objections is None or self._objections[0] != key:
                self._objections = key, objections_to(self.desk(), waiting)
            return self._objections[1]

    def pulse(self) -> object:
        """Another value after each change of what is planned and sent; raises NewsletterError without a database."""
        from newsletter.web.preview.outcome import pulse

        with self.store.reading() as connection:
            return pulse(connection)

    def check(self, proof: Proof) -> tuple[tuple[Finding, ...], Inspection]:
        """What the checks say of a proof, and what they looked at: the store, and the links as far as they were tried.

        The network is not asked.
        """
        from newsletter.pipeline.preflight import with_store
        from newsletter.pipeline.weblinks import try_links

        desk, now = self.desk(), self.now()
        seen = desk.inspect(proof.issue, proof.edition, now)
        trial = try_links(self.publication, seen.addresses, now, offline=True)
        tried = {url: outcome for url, outcome in trial.outcomes.items() if outcome.detail != "offline"}
        seen = replace(seen, known=replace(seen.known, outcomes=tried or None))
        seen = with_store(seen, self.store, self.publication.config, now)
        return desk.findings(seen), seen

    def obstacles(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Those for which `approve` refuses the issue: it looks at files alone, not at the store and the web."""
        told = {rule.id for rule in self.desk().rules if rule.needs in ("approval", "readership", "outcomes")}
        return tuple(found for found in errors_of(tuple(findings)) if found.rule not in told)

    def variant(self, proof: Proof, language: str) -> Edition:
        """The proof's issue as if it were written in another language, for its direction."""
        return self.desk().render(replace(proof.issue, language=language))

    def _open(self) -> Desk:
        """Read everything; on an error keep what there was, and say so in `problem`."""
        try:
            publication = find_publication(self.publication.folder, self.publication.folder)
            desk = open_desk(publication, self._issue)
        except NewsletterError as error:
            self.problem = Problem.of(error)
            if isinstance(error, ConfigError):
                self.problem = replace(self.problem, path=self.publication.folder / FILE_NAME, line=_line(error))
            return self._without_the_broken(error)
        self.publication, self.problem, self._good = publication, None, desk
        return desk

    def _without_the_broken(self, error: NewsletterError) -> Desk:
        """The issues as they are now under the last good configuration and glossary."""
        if self._good is None:
            raise error
        from newsletter.content.reader import read_folder

        folder = read_folder(self.publication.issues, self._issue)
        return replace(self._good, folder=folder)

    def _issue(self, path: Path) -> Issue:
        """`read_issue`, remembering what has not changed since: neither the file nor a snippet in it."""
        known = self._read.get(path)
        if known is None or known[0] != _stamps(path, known[1]):
            self._read.pop(path, None)
            before = _stamp(path)
            issue = read_issue(path)
            self._read[path] = known = ((before, *map(_stamp, issue.snippets)), issue)
        return known[1]

    def _render(self, desk: Desk, issue: Issue) -> Edition:
        known, version = self._rendered.get(issue.path.name), self.version
        if known and known.version == version and known.issue is issue:
            return known.edition
        theme = desk.theme_of(issue)
        pictures = desk.pictures_of(issue, theme)
        if known and (known.issue, known.site, known.theme, known.pictures) == (issue, desk.site, theme, pictures):
            edition = known.edition
        else:
            edition = desk.render(issue)
        self._rendered[issue.path.name] = _Rendered(version, issue, desk.site, theme, pictures, edition)
        return edition

    def _last(self, name: str, error: NewsletterError) -> Proof:
        known = self._rendered.get(name)
        if known is None:
            raise error
        return Proof(name, known.issue, known.edition, Problem.of(error))


_Stamp = tuple[int, int, int] | None


def _stamp(path: Path) -> _Stamp:
    """What changes when a file does; None for one that is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _stamps(path: Path, issue: Issue) -> tuple[_Stamp, ...]:
    return _stamp(path), *map(_stamp, issue.snippets)


def _line(error: ConfigError) -> int | None:
    """The line that a message about newsletter.toml starts with: `…/newsletter.toml:12: …`."""
    number = error.message.partition(f"{FILE_NAME}:")[2].partition(":")[0]
    return int(number) if number.isascii() and number.isdigit() else None
