"""An issue with all its views as one HTML file that needs nothing else: no script, no network, no preview running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from html import escape
from pathlib import Path

from newsletter.content.issue import Issue
from newsletter.errors import NewsletterError
from newsletter.finding import Finding
from newsletter.render.edition import Edition
from newsletter.render.mime import to_mime
from newsletter.render.placing import shown_here
from newsletter.render.site import Site
from newsletter.web.preview.anatomy import links_of, parse
from newsletter.web.preview.frames import frame, text_page
from newsletter.web.preview.readers import MADE_UP, as_read_by

# The frames inherit this policy: nothing is loaded from anywhere, nothing runs.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; base-uri 'none'"
_STYLE = """
:root{color-scheme:light dark;--page:light-dark(#f4f3f0,#151618);--panel:light-dark(#fbfaf8,#1b1d20);
--line:light-dark(#e2dfd8,#303439);--ink:light-dark(#22241f,#e7e5e0);--dim:light-dark(#605d55,#a5a7a8);
--accent:light-dark(#0b5c6b,#76cad8);font:15px/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink)}
header{padding:1rem 1.25rem;background:var(--panel);border-bottom:1px solid var(--line)}
h1{margin:0;font-size:1.25rem;line-height:1.3}header p{margin:.25rem 0 0;color:var(--dim);overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.6rem 1.25rem;background:var(--panel);
border-bottom:1px solid var(--line);position:sticky;top:0;z-index:1}
nav label{cursor:pointer;padding:.15rem .1rem}nav input{accent-color:var(--accent)}
main>section{display:none;padding:1rem;margin:0 auto}
iframe{display:block;width:100%;height:80vh;margin:0 auto;border:1px solid var(--line);border-radius:8px;
background:#fff}
.narrow iframe{max-width:375px}.middle iframe{max-width:600px}
pre{margin:0;padding:1rem;background:var(--panel);border:1px solid var(--line);border-radius:8px;white-space:pre-wrap;
overflow-wrap:anywhere;font:13px/1.5 ui-monospace,Menlo,Consolas,monospace}
table{border-collapse:collapse;width:100%;max-width:70rem;margin:0 auto}td,th{padding:.4rem .6rem;text-align:left;
border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
"""


def share_page(issue: Issue, edition: Edition, findings: Sequence[Finding], site: Site) -> str:
    """The page for an edition, as a sample reader gets it. Equal input gives equal bytes."""
    reader = MADE_UP[0]
    reading = as_read_by(edition, reader, site.base_url)
    tree = parse(edition.html)
    html, web = (shown_here(page, reading.pictures) for page in (reading.html, reading.web))
    message = _message(reading, f"{reader.name} <{reader.email}>")
    views = (
        ("Email, 600", "middle", _framed(frame(html))),
        ("Email, phone", "narrow", _framed(frame(html))),
        ("Dark", "middle", _framed(frame(html, look="dark"))),
        ("Inverted", "middle", _framed(frame(html, look="inverted"))),
        ("Images off", "middle", _framed(frame(html, images="off"))),
        ("Text", "middle", _framed(text_page(reading.text, reading.language))),
        ("Web page", "", _framed(frame(web))),
        (f"Findings ({len(findings)})", "", _findings(findings)),
        ("Links", "", _links(links_of(tree, site))),
        ("HTML", "", _source(reading.html)),
        ("Message", "", _source(message)),
        ("Headers", "", _source(message.partition("\r\n\r\n")[0])),
    )
    sender = parseaddr(reading.sender)
    about = f"{issue.file} · {len(edition.html.encode()) / 1024:.0f} KB · edition {edition.digest[:12]}"
    head = (reading.subject, f"{sender[0] or sender[1]} – {reading.preheader}", about)
    return _page(head, views)


def write_page(file: Path, page: str) -> None:
    """Write the page to `file`. Raises NewsletterError where that cannot be done."""
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise NewsletterError(f"{file}: cannot be written: {reason}", "name a file that can be written") from None


def _message(reading: Edition, to: str) -> str:
    try:
        return to_mime(reading, to=to).decode("ascii")
    except ValueError as error:
        return f"no message can be made of it: {error}"


def _page(head: tuple[str, str, str], views: Sequence[tuple[str, str, str]]) -> str:
    subject, line, about = (escape(text) for text in head)
    shown = "".join(f"body:has(#v{number}:checked) #s{number}{{display:block}}" for number in range(len(views)))
    tabs = "".join(
        f'<label><input type="radio" name="view" id="v{number}"{" checked" * (number == 0)}> {escape(name)}</label>'
        for number, (name, _, _) in enumerate(views)
    )
    parts = "".join(
        f'<section id="s{number}" class="{width}" aria-label="{escape(name)}">{content}</section>'
        for number, (name, width, content) in enumerate(views)
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{subject}</title><style>{_STYLE}{shown}</style></head><body>"
        f'<header><h1 dir="auto">{subject}</h1><p dir="auto">{line}</p><p>{about}</p></header>'
        f'<nav aria-label="Views">{tabs}</nav><main>{parts}</main></body></html>\n'
    )


def _framed(page: str) -> str:
    return f'<iframe sandbox="" title="As it is shown" srcdoc="{escape(page)}"></iframe>'


def _source(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "<p>Nothing found.</p>"
    rows = "".join(
        f"<tr><td>{finding.severity.value}</td><td>{escape(finding.message)}<br>{escape(finding.fix)}</td>"
        f"<td>{escape(finding.place)}</td></tr>"
        for finding in findings
    )
    return f"<table><tr><th>Severity</th><th>What</th><th>Where</th></tr>{rows}</table>"


def _links(links: Sequence[Mapping[str, str]]) -> str:
    rows = "".join(
        f'<tr><td dir="auto">{escape(link["text"])}</td><td>{escape(link["href"])}</td>'
        f"<td>{escape(link['note'])}</td></tr>"
        for link in links
    )
    return f"<table><tr><th>Text</th><th>Address</th><th>State</th></tr>{rows}</table>"
