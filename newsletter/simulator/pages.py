"""The pages on which a person sees what the simulator received. Everything shown is escaped or in a sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qs

from newsletter.simulator.mailbox import Mailbox
from newsletter.simulator.mails import Mails

_SHOWN = 50  # emails on one page of the list
_OURS = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'"
# An email is somebody else's HTML: no scripts, no forms, and no way to the pages around it.
_THEIRS = (
    "default-src 'none'; style-src 'unsafe-inline' https:; font-src https: data:; img-src http: https: data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_STYLE = """
:root{color-scheme:light dark;--line:light-dark(#ddd,#3a3a3a);--dim:light-dark(#666,#a3a3a3);
--back:light-dark(#fff,#181818);--card:light-dark(#f6f6f4,#222);--link:light-dark(#0b57d0,#8ab4f8);
font:16px/1.5 system-ui,sans-serif}
body{margin:2rem auto;max-width:60rem;padding:0 1rem;background:var(--back)}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .5rem}
a{color:var(--link)}nav{display:flex;gap:1.25rem;flex-wrap:wrap;align-items:baseline}.dim{color:var(--dim)}
nav .end{margin-left:auto}table{border-collapse:collapse;width:100%;margin:1rem 0;table-layout:fixed}
td,th{padding:.45rem .6rem;text-align:left;border-bottom:1px solid var(--line);overflow-wrap:anywhere;
vertical-align:top}th{font-weight:600;color:var(--dim);font-size:.875rem}.n{width:4rem}.at{width:12rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0;padding:.75rem 1rem;
background:var(--card);border-radius:.5rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
iframe{box-sizing:border-box;width:100%;height:75vh;border:1px solid var(--line);border-radius:.5rem;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;background:var(--card);border-radius:.5rem;
font-size:.875rem}button{font:inherit;padding:.4rem 1rem}
@media(max-width:40rem){.at,.n{display:none}dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}
"""


@dataclass(frozen=True)
class Page:
    """An HTML page, and what it may load."""

    html: str
    policy: str = _OURS
    status: int = 200


@dataclass(frozen=True)
class Pages:
    """The list at `/`, an email at `/emails/N` (from 0) and `/emails/N/html`, and the provider's `/unsubscribe/ID`."""

    mailbox: Mailbox
    mails: Mails

    def answer(self, method: str, path: str, query: str) -> Page | None:
        """The page at `path`; None where there is nothing."""
        match path.strip("/").split("/"):
            case [""] if method == "GET":
                return self._list(parse_qs(query).get("page", ["1"])[0])
            case ["emails", number, *rest] if method == "GET" and self._has(number):
                if not rest:
                    return self._email(int(number))
                return self._html(int(number)) if rest == ["html"] else None
            case ["unsubscribe", email_id] if (found := self.mailbox.find(email_id)) is not None:
                return self._unsubscribe(method, self.mailbox.email(found))
        return None

    def _has(self, number: str) -> bool:
        return number.isascii() and number.isdecimal() and len(number) < 12 and int(number) < len(self.mailbox)

    def _list(self, wanted: str) -> Page:
        count = len(self.mailbox)
        pages = max(1, -(-count // _SHOWN))
        page = min(max(1, int(wanted)), pages) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 12 else 1
        newest = count - 1 - (page - 1) * _SHOWN
        rows = "".join(self._row(number) for number in range(newest, max(-1, newest - _SHOWN), -1))
        if not rows:
            return _document("Received emails", "<p>None yet. What is posted to this simulator shows up here.</p>")
        links = [f'<a href="/?page={page - 1}" rel="prev">Newer</a>'] if page > 1 else []
        links += [f'<a href="/?page={page + 1}" rel="next">Older</a>'] if page < pages else []
        noun = "email" if count == 1 else "emails"
        words = f'<span class="dim">{count:,} {noun}, the newest first; page {page} of {pages}</span>'
        nav = f'<nav>{words}<span class="end">{" ".join(links)}</span></nav>'
        head = '<tr><th class="n">No.</th><th>To</th><th>Subject</th><th class="at">At (UTC)</th></tr>'
        return _document("Received emails", f"{nav}<table>{head}{rows}</table>{nav if len(links) else ''}")

    def _row(self, number: int) -> str:
        email = self.mailbox.email(number)
        link = f'<a href="/emails/{number}">{escape(email["subject"]) or "(no subject)"}</a>'
        cells = f"<td>{escape(_mailbox(email['to']))}</td><td>{link}</td>"
        at = escape(email["at"].replace("T", " ").rstrip("Z"))
        return f'<tr><td class="n dim">{number + 1}</td>{cells}<td class="at dim">{at}</td></tr>'

    def _email(self, number: int) -> Page:
        email = self.mailbox.email(number)
        last = len(self.mailbox) - 1
        links = [f'<a href="/?page={(last - number) // _SHOWN + 1}">All emails</a>']
        links += [f'<a href="/emails/{number + 1}" rel="prev">Newer</a>'] if number < last else []
        links += [f'<a href="/emails/{number - 1}" rel="next">Older</a>'] if number else []
        words = f'<span class="dim end">{number + 1:,} of {last + 1:,}</span>'
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _headers(email))
        body = f"<nav>{' '.join(links)}{words}</nav><h1>{_subject(email)}</h1><dl>{rows}</dl>{_parts(email, number)}"
        return _document(email["subject"], body, heading=False)

    def _html(self, number: int) -> Page:
        return Page(str(self.mailbox.email(number).get("html", "")), _THEIRS)

    def _unsubscribe(self, method: str, email: dict[str, Any]) -> Page | None:
        """GET shows a button, POST acts: a link scanner that follows links unsubscribes nobody."""
        address = escape(email["to"]["email"])
        if method == "POST":
            try:
                self.mails.unsubscribe(email)
            except OSError as error:
                return Page(_document("Not done", f"<p>Cannot be written: {error.strerror}</p>").html, status=500)
            return _document("Unsubscribed", f"<p>{address} gets no more of these emails.</p>")
        form = '<form method="post"><button>Unsubscribe</button></form>'
        return _document("Unsubscribe?", f"<p>The simulated provider's page for {address}.</p>{form}")


def _parts(email: dict[str, Any], number: int) -> str:
    if "html" not in email:
        return '<p class="dim">The simulator was told not to keep the bodies.</p>'
    frame = f'<iframe sandbox="allow-popups" src="/emails/{number}/html" title="The email as HTML"></iframe>'
    alone = f'<a href="/emails/{number}/html" target="_blank" rel="noopener">on its own</a>'
    html = f'<h2>HTML <small class="dim">({alone})</small></h2>{frame}' if email["html"] else ""
    text = f"<h2>Text</h2><pre>{escape(email['text'])}</pre>" if email["text"] else ""
    return html + text or '<p class="dim">No bodies: the template is at the provider.</p>'


def _headers(email: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("From", _mailbox(email["from"])), ("To", _mailbox(email["to"]))]
    rows += [(part.title(), ", ".join(map(_mailbox, email[part]))) for part in ("cc", "bcc") if part in email]
    rows += [("Reply-To", _mailbox(email["replyTo"]))] if email.get("replyTo") else []
    rows += [(name, str(value)) for name, value in email.get("headers", {}).items()]
    rows += [("Attachment", str(part.get("fileName", ""))) for part in email.get("attachments", [])]
    names = {"templateId": "Template", "unsubscribeGroupId": "Unsubscribe group", "batchId": "Batch"}
    rows += [(name, str(email[key])) for key, name in names.items() if key in email]
    return [*rows, ("Received", email["at"]), ("Id", email["emailId"])]


def _mailbox(value: dict[str, Any]) -> str:
    return f"{value['name']} <{value['email']}>" if value.get("name") else str(value["email"])


def _subject(email: dict[str, Any]) -> str:
    return escape(email["subject"]) or "(no subject)"


def _document(title: str, body: str, *, heading: bool = True) -> Page:
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} - AutoSend simulator</title><style>{_STYLE}</style>"
    )
    main = f"<h1>{escape(title)}</h1>{body}" if heading else body
    return Page(f'<!doctype html><html lang="en">{head}<body>{main}</body></html>')
