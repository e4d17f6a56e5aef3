"""The page on which a person sees what the simulator received. Everything shown is escaped or in a sandbox."""

from __future__ import annotations

from html import escape

from newsletter.simulator.mailbox import Mailbox

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-src 'self'; form-action 'none'"
_SHOWN = 50  # emails on the first page
_STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{padding:.4rem .6rem;text-align:left;border-bottom:1px solid #8884}
iframe{width:100%;height:75vh;border:1px solid #8884;background:#fff}pre{white-space:pre-wrap}dt{font-weight:600}
"""


def page(mailbox: Mailbox, path: str) -> str | None:
    """The HTML at `path`: `/`, `/emails/N` or `/emails/N/html`, N from 0; None where there is nothing."""
    if path == "/":
        return _list(mailbox)
    parts = path.strip("/").split("/")
    if parts[0] != "emails" or len(parts) not in (2, 3) or not parts[1].isdecimal() or int(parts[1]) >= len(mailbox):
        return None
    email = mailbox.email(int(parts[1]))
    if len(parts) == 3:
        return str(email.get("html", "")) if parts[2] == "html" else None
    headers = {"From": email["from"]["email"], "To": email["to"]["email"], "Subject": email["subject"]}
    rows = "".join(
        f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in (headers | email.get("headers", {})).items()
    )
    frame = f'<iframe sandbox src="/emails/{parts[1]}/html" title="The email as HTML"></iframe>'
    text = f"<h2>Text part</h2><pre>{escape(email.get('text', ''))}</pre>"
    return _document(email["subject"], f'<p><a href="/">All emails</a></p><dl>{rows}</dl>{frame}{text}')


def _list(mailbox: Mailbox) -> str:
    numbers = range(len(mailbox) - 1, max(-1, len(mailbox) - 1 - _SHOWN), -1)
    rows = "".join(_row(mailbox, number) for number in numbers)
    head = "<tr><th>To</th><th>Subject</th><th>At</th></tr>"
    return _document("Received emails", f"<p>{len(mailbox)} received, the newest first.</p><table>{head}{rows}</table>")


def _row(mailbox: Mailbox, number: int) -> str:
    email = mailbox.email(number)
    link = f'<a href="/emails/{number}">{escape(email["subject"])}</a>'
    return f"<tr><td>{escape(email['to']['email'])}</td><td>{link}</td><td>{escape(email['at'])}</td></tr>"


def _document(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f"<!doctype html><html lang=en>{head}<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
