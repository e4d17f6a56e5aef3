"""An issue with all its views as one HTML file that needs nothing else: no script, no network, no preview running."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from newsletter.errors import NewsletterError
from newsletter.web.preview.answers import Answers, Question
from newsletter.web.preview.frames import frame, text_page
from newsletter.web.preview.workspace import Proof

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


def share_proof(answers: Answers, proof: Proof, reader: str = "ada") -> str:
    """The page for a proof, as `reader` gets it."""
    question = Question(proof.name, reader)
    data = answers.sheet(question)
    html, text = answers.source(question, "html"), answers.source(question, "text")
    views = (
        ("Email, 600", "middle", _framed(frame(html))),
        ("Email, phone", "narrow", _framed(frame(html))),
        ("Dark", "middle", _framed(frame(html, look="dark"))),
        ("Inverted", "middle", _framed(frame(html, look="inverted"))),
        ("Images off", "middle", _framed(frame(html, images="off"))),
        ("Text", "middle", _framed(text_page(text))),
        ("Web page", "", _framed(frame(answers.source(question, "web")))),
        (f"Findings ({len(data['findings'])})", "", _findings(data["findings"])),
        ("Links", "", _links(data["links"])),
        ("HTML", "", _source(html)),
        ("Message", "", _source(answers.source(question, "mime"))),
        ("Headers", "", _source(answers.source(question, "headers"))),
    )
    return _page(data, views)


def write_page(file: Path, page: str) -> None:
    """Write the page to `file`. Raises NewsletterError where that cannot be done."""
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise NewsletterError(f"{file}: cannot be written: {reason}", "name a file that can be written") from None


def _page(data: dict[str, Any], views: Sequence[tuple[str, str, str]]) -> str:
    numbers = range(len(views))
    shown = "".join(f"body:has(#v{n}:checked) #s{n}{{display:block}}" for n in numbers)
    tabs = "".join(
        f'<label><input type="radio" name="view" id="v{n}"{" checked" if n == 0 else ""}> {escape(views[n][0])}</label>'
        for n in numbers
    )
    parts = "".join(
        f'<section id="s{n}" class="{views[n][1]}" aria-label="{escape(views[n][0])}">{views[n][2]}</section>'
        for n in numbers
    )
    inbox = data["inbox"]
    about = f"{data['file']} · {data['size']['bytes'] / 1024:.0f} KB · edition {data['digest'][:12]}"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(data['title'])}</title><style>{_STYLE}{shown}</style></head><body>"
        f'<header><h1 dir="auto">{escape(inbox["subject"])}</h1>'
        f'<p dir="auto">{escape(inbox["sender"])} – {escape(inbox["preheader"])}</p><p>{escape(about)}</p></header>'
        f'<nav aria-label="Views">{tabs}</nav><main>{parts}</main></body></html>\n'
    )


def _framed(page: str) -> str:
    return f'<iframe sandbox="" title="As it is shown" srcdoc="{escape(page)}"></iframe>'


def _source(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _findings(findings: Sequence[dict[str, Any]]) -> str:
    if not findings:
        return "<p>Nothing found.</p>"
    rows = "".join(
        f"<tr><td>{escape(finding['severity'])}</td><td>{escape(finding['message'])}<br>{escape(finding['fix'])}</td>"
        f"<td>{escape(finding['place'])}</td></tr>"
        for finding in findings
    )
    return f"<table><tr><th>Severity</th><th>What</th><th>Where</th></tr>{rows}</table>"


def _links(links: Sequence[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td dir="auto">{escape(link["text"])}</td><td>{escape(link["href"])}</td>'
        f"<td>{escape(link['note'])}</td></tr>"
        for link in links
    )
    return f"<table><tr><th>Text</th><th>Address</th><th>State</th></tr>{rows}</table>"
