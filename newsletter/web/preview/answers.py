"""What the routes answer: each method takes the words of a request and gives back plain values or a page."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from newsletter.delivery.related import count_readers
from newsletter.errors import NewsletterError, UsageError
from newsletter.publication import Publication
from newsletter.render.edition import Edition
from newsletter.render.mime import to_mime
from newsletter.render.placing import shown_here
from newsletter.schedule.calendar import entries_of
from newsletter.schedule.passes import rules_of
from newsletter.schedule.queue import approved, read_edition
from newsletter.store.database import Store
from newsletter.web.preview import readers
from newsletter.web.preview.board import board
from newsletter.web.preview.changes import changes
from newsletter.web.preview.editor import template_of
from newsletter.web.preview.frames import frame, text_page
from newsletter.web.preview.marks import marked
from newsletter.web.preview.month import month, month_of
from newsletter.web.preview.outcome import Outlook, look_ahead
from newsletter.web.preview.readers import Somebody
from newsletter.web.preview.sharing import share_page
from newsletter.web.preview.sheet import Facts, sheet
from newsletter.web.preview.variants import MARK, variants_of
from newsletter.web.preview.workspace import Proof, Workspace

VIEWS = ("email", "web", "text")
SOURCES = ("html", "text", "web", "mime", "headers", "markdown")
EDITIONS = ("now", "approved", "last")
_OTHER_WAY = {"rtl": "ar", "ltr": "en"}  # a language whose script runs that way


@dataclass(frozen=True)
class Question:
    """Which issue, as whom, which of its editions, in which direction."""

    name: str
    reader: str = "ada"
    edition: str = "now"
    direction: str = ""


@dataclass(frozen=True)
class Answers:
    """Reads the workspace and the store for the routes. Raises NewsletterError, or KeyError for what does not exist."""

    workspace: Workspace

    @property
    def publication(self) -> Publication:
        """The publication as it was last read."""
        return self.workspace.publication

    @property
    def store(self) -> Store:
        """The publication's database."""
        return self.workspace.store

    def board(self) -> dict[str, Any]:
        """The list of issues."""
        desk = self.workspace.desk()
        return board(
            self.publication,
            desk.folder,
            self._outlook(),
            self.workspace.known,
            problem=self.workspace.problem,
            editor=self.editor,
            version=self.workspace.version,
            read_only=self.workspace.read_only,
        )

    def sheet(self, question: Question) -> dict[str, Any]:
        """One issue and what is to be said of it."""
        version = self.workspace.version
        proof = self.workspace.proof(question.name)
        now = self.workspace.now()
        outlook = self._outlook()
        with self.store.reading() as connection:
            counted = count_readers(connection, proof.issue.segment, *proof.issue.relation)
        findings, seen = self.workspace.check(proof)
        facts = Facts(
            publication=self.publication,
            site=self.workspace.desk().site,
            outlook=outlook,
            findings=findings,
            obstacles=self.workspace.obstacles(findings),
            outcomes=seen.known.outcomes or {},
            support=seen.known.support,
            reading=self._read(self._edition(proof, question), question),
            readers=counted,
            now=now,
            editor=self.editor,
            read_only=self.workspace.read_only,
        )
        return sheet(proof, facts) | {"version": version}

    def page(self, question: Question, view: str, look: str, images: str, since: str = "") -> str:
        """A frame's page; with `since` (one of `EDITIONS`) what changed since that edition is marked in it."""
        proof = self.workspace.proof(question.name)
        if view == "text":
            reading = self._read(self._edition(proof, question), question)
            return frame(text_page(reading.text, reading.language), look=look, images=images)
        page = self._shown(proof, question, view)
        if since and question.edition == "now":
            try:
                page = marked(self._shown(proof, replace(question, edition=since), view), page)
            except UsageError as error:  # there is no such edition: the page is shown all the same, and says why
                page = page.replace("</head>", f'<meta name="unmarked" content="{escape(error.message)}"></head>', 1)
        return frame(page, look=look, images=images)

    def _shown(self, proof: Proof, question: Question, view: str) -> str:
        reading = self._read(self._edition(proof, question), question)
        return shown_here(reading.web if view == "web" else reading.html, reading.pictures)

    def source(self, question: Question, of: str) -> str:
        """The text of a view in letters: HTML, plain text, the whole message, its headers, the Markdown."""
        proof = self.workspace.proof(question.name)
        if of == "markdown":
            return proof.issue.path.read_text(encoding="utf-8", errors="replace")
        reading = self._read(self._edition(proof, question), question)
        if of in ("mime", "headers"):
            message = self._message(reading, question)
            return message.partition("\r\n\r\n")[0] if of == "headers" else message
        return {"html": reading.html, "text": reading.text, "web": reading.web}[of]

    def readers(self, name: str, words: str) -> list[dict[str, str]]:
        """Made-up readers, those of each variant among them; or the publication's own by a part of name or address."""
        if words.strip():
            with self.store.reading() as connection:
                found = readers.look_up(connection, words)
            return [_reader(reader, "subscriber") for reader in found]
        variants = variants_of(self.workspace.proof(name).edition) if name else ()
        return [_reader(reader, "made up") for reader in readers.MADE_UP] + [
            _reader(reader, "variant of this issue") for reader in variants
        ]

    def month(self, wished: str) -> dict[str, Any]:
        """The calendar's month `YYYY-MM`, else the one of now: what went and goes out when."""
        schedule, now = self.publication.config.schedule, self.workspace.now()
        today = now.astimezone(schedule.zone).date()
        days = month_of(wished, today)
        with self.store.reading() as connection:
            objections = self.workspace.objections(approved(connection))
            entries = entries_of(connection, schedule, days, now, rules_of(schedule), objections=objections)
        files = {issue.slug: issue.path.name for issue in self.workspace.desk().folder.issues}
        return month(schedule, days[0], today, entries, files)

    def difference(self, question: Question, against: str) -> dict[str, Any]:
        """What differs in the text between an earlier edition and the one of now, and in size and subject."""
        proof = self.workspace.proof(question.name)
        before = self._edition(proof, replace(question, edition=against))
        now = proof.edition
        return {
            "slug": before.slug,
            "same": before.digest == now.digest,
            "bytes": [len(before.html.encode()), len(now.html.encode())],
            "subject": [before.subject, now.subject],
            "rows": changes(before.text, now.text),
        }

    def share(self, name: str) -> tuple[str, str]:
        """The issue's slug, and the page that shows all of it in one file."""
        proof = self.workspace.proof(name)
        if proof.problem:
            raise NewsletterError(proof.problem.message, proof.problem.hint)
        desk = self.workspace.desk()
        findings = desk.check(proof.issue, proof.edition, self.workspace.now())
        return proof.issue.slug, share_page(proof.issue, proof.edition, findings, desk.site)

    @property
    def editor(self) -> str:
        """The template of the addresses that open a file in the editor."""
        return template_of(self.publication.config.preview.editor, os.environ)

    def _outlook(self) -> Outlook:
        with self.store.reading() as connection:
            schedule, now = self.publication.config.schedule, self.workspace.now()
            return look_ahead(connection, schedule, now, self.workspace.objections)

    def _edition(self, proof: Proof, question: Question) -> Edition:
        if question.edition != "now":
            return self._stored(proof, question.edition)
        if question.direction in _OTHER_WAY:
            from newsletter.render.language import direction

            if direction(proof.edition.language) != question.direction:
                return self.workspace.variant(proof, _OTHER_WAY[question.direction])
        return proof.edition

    def _stored(self, proof: Proof, which: str) -> Edition:
        """The approved edition of the issue, or the edition that was sent last."""
        outlook = self._outlook()
        approval, sent = outlook.approval(proof.issue.slug), outlook.broadcast(proof.issue.slug)
        if which == "approved":
            digest = approval.digest if approval else sent.digest if sent else ""
        else:
            digest = next((past.digest for past in outlook.sent if past.slug != proof.issue.slug), "")
        if not digest:
            raise UsageError("nothing was approved yet" if which == "approved" else "nothing else was sent yet")
        with self.store.reading() as connection:
            return Edition.from_json(read_edition(connection, digest))

    def _reader(self, edition: Edition, question: Question) -> Somebody:
        variants = variants_of(edition) if question.reader.startswith(MARK) else ()
        with self.store.reading() as connection:
            return readers.somebody(connection, question.reader, variants)

    def _read(self, edition: Edition, question: Question) -> Edition:
        reader = self._reader(self.workspace.proof(question.name).edition, question)
        return readers.as_read_by(edition, reader, self.publication.config.publication.base_url)

    def _message(self, reading: Edition, question: Question) -> str:
        reader = self._reader(self.workspace.proof(question.name).edition, question)
        try:
            to = f"{reader.name.replace(',', ' ')} <{reader.email}>" if reader.name else reader.email
            return to_mime(reading, to=to, date=self.workspace.now()).decode("ascii")
        except ValueError as error:
            raise NewsletterError(f"no message can be made of it: {error}") from None


def _reader(reader: Somebody, note: str) -> dict[str, str]:
    return {"key": reader.key, "label": reader.label, "note": note}
