"""An edition as a mail program or browser might show it: in the dark, without images, inverted. Pure, text to text.

Only the copy that is shown is changed, never an edition. A frame's `color-scheme` does not switch
`prefers-color-scheme` inside it (Media Queries 5, section 11.5, leaves that to the user agent), so the queries
themselves are rewritten.
"""

from __future__ import annotations

import re
from html import escape

LOOKS = ("light", "dark", "inverted")
IMAGES = ("off", "held", "shown")

_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_ROOT_SCHEME = re.compile(r"color-scheme\s*:\s*[a-z ]+", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_ANY = re.compile(r"\s(?:src|srcset)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
_REMOTE = re.compile(
    r"\s(?:src|srcset)\s*=\s*(?:\"(?!data:)[^\"]*\"|'(?!data:)[^']*'|(?!data:)[^\s>\"']+)", re.IGNORECASE
)
_FRAMED = "img:not([src]){outline:1px dashed #8888;outline-offset:-1px;min-width:3em;min-height:1.4em}"
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"
# A page of hundreds of kilobytes is laid out as it is scrolled to, so that the desk around it stays quick.
_LARGE = 150_000  # characters
_LINES = 100  # of a text part, laid out together
_LAZY = "p,pre,ul,ol,table:not([role]),blockquote,figure{content-visibility:auto;contain-intrinsic-size:auto 6em}"
# What Gmail on phones and Outlook do to colours differs from version to version; this is the plainest of them.
_INVERTED = (
    "html{filter:invert(1) hue-rotate(180deg);background:#fff}"
    "img,video,svg{filter:invert(1) hue-rotate(180deg)}"
)  # fmt: skip


def frame(html: str, *, look: str = "light", images: str = "held") -> str:
    """The page for a sandboxed frame: `html` in one of `LOOKS`, its images as one of `IMAGES` says.

    Links open in a new tab, since nothing but this page may be in the frame.
    """
    shown = _STYLE.sub(lambda style: f"{style[1]}{_style(style[2], look)}{style[3]}", html)
    if images != "shown":
        left_out = _ANY if images == "off" else _REMOTE
        shown = _IMAGE.sub(lambda image: left_out.sub("", image[0]), shown)
    scheme = "dark" if look == "dark" else "light"
    rules = f":root{{color-scheme:{scheme}}}{_FRAMED}{_INVERTED if look == 'inverted' else ''}"
    rules += _LAZY if len(html) > _LARGE else ""
    extra = f'<base target="_blank"><style>{rules}</style>'
    end = _HEAD_END.search(shown)
    return shown[: end.start()] + extra + shown[end.start() :] if end else extra + shown


def policy(images: str) -> str:
    """The Content-Security-Policy of a frame: no scripts, no forms; from the network at most images."""
    sources = {"off": "'none'", "held": "data:", "shown": "https: http: data:"}[images]
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )


def text_page(text: str, language: str) -> str:
    """A text part as a page, in the letters and the width that a mail program without HTML shows."""
    style = (
        "body{margin:0;padding:24px;font:14px/1.55 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap}"
        f"div{{content-visibility:auto;contain-intrinsic-size:auto {_LINES * 1.55 * 14:.0f}px}}"
    )
    lines = text.split("\n")
    blocks = ["\n".join(lines[at : at + _LINES]) for at in range(0, len(lines), _LINES)]
    body = "".join(f"<div>{escape(block)}\n</div>" for block in blocks) if len(blocks) > 1 else escape(text)
    return (
        f'<!DOCTYPE html><html lang="{escape(language)}"><head><meta charset="utf-8"><title>Plain text</title>'
        f"<style>{style}</style></head><body>{body}</body></html>"
    )


def _style(css: str, look: str) -> str:
    wished = "dark" if look == "dark" else "light"
    css = _SCHEME.sub(lambda query: _ALWAYS if query[1].lower() == wished else _NEVER, css)
    return _ROOT_SCHEME.sub(f"color-scheme:{wished}", css)
