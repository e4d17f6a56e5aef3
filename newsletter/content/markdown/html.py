"""Which `<…>` in an issue is HTML, which is text, and which HTML may pass."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import islice

# https://html.spec.whatwg.org/multipage/indices.html#elements-3 and what older pages still hold.
ELEMENTS = frozenset(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br "
    "button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em "
    "embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i "
    "iframe img input ins kbd label legend li link main map mark marquee math menu meta meter nav noframes noscript "
    "object ol optgroup option output p param picture portal pre progress q rp rt rtc ruby s samp script search "
    "section select slot small source span strike strong style sub summary sup svg table tbody td template textarea "
    "tfoot th thead time title tr track tt u ul var video wbr".split()
)
# CommonMark 0.31, section 4.6, start conditions 1 and 6.
RAW_ELEMENTS = ("pre", "script", "style", "textarea")
BLOCK_ELEMENTS = frozenset(
    "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li "
    "link main menu menuitem nav noframes ol optgroup option p param search section summary table tbody td tfoot th "
    "thead title tr track ul".split()
)
# Elements that go with all that is in them; others that are not allowed go, and what is in them stays.
GONE = frozenset(
    "script style iframe object embed applet template noscript noframes svg math title head audio video canvas "
    "select textarea button datalist frameset".split()
)
ALLOWED = frozenset(
    "a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup data dd "
    "del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li "
    "main mark nav ol p pre q rp rt ruby s samp section small span strike strong sub summary sup table tbody td "
    "tfoot th thead time tr tt u ul var wbr".split()
)
_SIZE = {"width", "height", "align", "valign", "bgcolor"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"class", "id", "title", "lang", "dir", "style", "role", "aria-label", "aria-hidden"},
    "a": {"href", "name"},
    "img": {"src", "alt", "border", "srcset"} | _SIZE,
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "table": {"border", "cellpadding", "cellspacing"} | _SIZE,
    **{name: {"colspan", "rowspan", "scope", "headers"} | _SIZE for name in ("td", "th")},
    **{name: {"align", "valign", "bgcolor"} for name in ("tr", "thead", "tbody", "tfoot")},
    **{name: {"span", "width", "align"} for name in ("col", "colgroup")},
    **{name: {"align"} for name in ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "caption")},
    "hr": {"align", "width", "size", "noshade"},
    "font": {"color", "face", "size"},
    "time": {"datetime"},
    "data": {"value"},
    **{name: {"cite"} for name in ("blockquote", "q")},
    **{name: {"cite", "datetime"} for name in ("del", "ins")},
    "details": {"open"},
}
SCHEMES = set("http https mailto tel sms cid ftp geo irc ircs matrix webcal xmpp".split())
# Properties that can colour, size and space a box, and none that can load, cover or move one.
PROPERTIES = set(
    "color background-color font font-family font-size font-style font-weight font-variant line-height letter-spacing "
    "text-align text-decoration text-indent text-transform vertical-align white-space width height max-width "
    "min-width margin margin-top margin-right margin-bottom margin-left padding padding-top padding-right "
    "padding-bottom padding-left border border-top border-right border-bottom border-left border-color border-style "
    "border-width border-radius border-collapse border-spacing display float clear list-style list-style-type "
    "direction overflow-wrap word-break table-layout".split()
)

# A backslash that is itself escaped does not escape.
_ANGLE = re.compile(r"((?<!\\)\\(?:\\\\)*)?</?([A-Za-z][A-Za-z0-9:_-]*)?")
_AUTOLINK = re.compile(
    rf"<(?:[A-Za-z][A-Za-z0-9+.-]{{1,31}}://[^\s<>]*|(?:{'|'.join(sorted(SCHEMES))}):[^\s<>]*|[^\s<>@:\\]+@[\w.-]+)>",
    re.I,
)
_TAG_END = re.compile(r"""[^<>"'`]*(?:"[^"]*"[^<>"'`]*|'[^']*'[^<>"'`]*)*>""")


def unused_characters(text: str, count: int) -> str:
    """`count` private characters (Unicode 23.5) that do not occur in `text`."""
    present = set(text)
    return "".join(islice((char for char in map(chr, range(0xE000, 0xF8FF)) if char not in present), count))


def hide_text_angles(source: str, mark: str) -> str:
    """`source` with `mark`, a character that is not in it, for each `<` that starts no HTML.

    `Vec<T>`, `<think>`, `a < b` and `<?php` are text: unknown names, generics directly after a word, what stands behind
    a backslash, and anything that is not a tag, an address in angle brackets or a closed comment.
    """
    last_comment_end = source.rfind("-->")

    def judge(match: re.Match[str]) -> str:
        start = match.start()
        name = (match[2] or "").lower()
        if match[1]:
            return match[1] + mark + match[0][len(match[1]) + 1 :]
        if _AUTOLINK.match(source, start):
            return match[0]
        if source.startswith("<!--", start) and start < last_comment_end:
            return match[0]
        generic = len(name) == 1 and match[2].isupper() and source[start - 1 : start].isalnum()
        known = name in ELEMENTS and not generic and _TAG_END.match(source, match.end(), match.end() + 20_000)
        return match[0] if known else mark + match[0][1:]

    return _ANGLE.sub(judge, source)


class _Removed(HTMLParser):
    """Collects what `clean` is going to take out, as (kind, name) in order of appearance."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.found.append(("element", tag))
            return
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(("attribute", name))
            elif name in ("href", "src") and not _harmless(value or ""):
                self.found.append(("address", _squeezed(value or "").split(":")[0].lower()))

    handle_startendtag = handle_starttag


def _squeezed(address: str) -> str:
    """The address as a browser reads it, which drops control characters and tabs (URL standard, 4.4)."""
    return re.sub(r"[\x00-\x20]", "", address)


def _harmless(address: str) -> bool:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", _squeezed(address))
    return not scheme or scheme[1].lower() in SCHEMES


# Where none of these is, nothing is taken out: a tag that is not allowed, an attribute that could be an event's and
# does something, an address that is not plainly of the web. It spares reading most pages a second time.
_SUSPICIOUS = re.compile(
    rf"<(?!(?:{'|'.join(sorted(ALLOWED))})[ \t\n\r\f/>])[a-z]|[\s\"'/]on[^\s=<>/]*+\s*+[=/>]"
    r"|\b(?:href|src)\s*=(?!\s*+(?:"
    r"[\"']\s*+(?:https?://|mailto:|[#/.]|[^\s\"':>&]*+[\"'])|(?:https?://|mailto:|[^\s\"':>&]*+[\s>])))",
    re.IGNORECASE,
)


def removed(html: str) -> list[tuple[str, str]]:
    """What `clean` takes out of `html`: ("element", "script"), ("attribute", "onclick"), ("address", "javascript")."""
    if not _SUSPICIOUS.search(html):
        return []
    parser = _Removed()
    parser.feed(html)
    parser.close()
    return parser.found


_PLAYER = re.compile(
    r"<(iframe|video|audio|embed)\b([^<>]*?\bsrc\s*=\s*[\"']?(https?://[^\"'\s<>]+)[^<>]*)>(?:[^<]*</\1\s*>)?", re.I
)
_YOUTUBE = re.compile(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/(?!videoseries\b)([\w-]+)")
_VIMEO = re.compile(r"https?://player\.vimeo\.com/video/(\d+)(?:\?(?:[^#]*&(?:amp;)?)?h=([0-9a-f]+))?")
_TITLE = re.compile(r"\btitle\s*=\s*\"([^\"]*)\"", re.I)


def _link_player(match: re.Match[str]) -> str:
    """A link in the place of a player: a still of a YouTube video, else words or the address.

    Where Vimeo keeps a video's still only its server knows (https://developer.vimeo.com/api/oembed/videos).
    """
    address, title = match[3], _TITLE.search(match[2])
    if video := _YOUTUBE.match(address):
        still = f"https://i.ytimg.com/vi/{video[1]}/hqdefault.jpg"
        words = title[1] if title else f"YouTube {video[1]}"
        image = f'<img src="{still}" alt="{words}" width="480" height="360">'
        return f'<a href="https://www.youtube.com/watch?v={video[1]}">{image}</a>'
    if video := _VIMEO.match(address):
        address = f"https://vimeo.com/{video[1]}" + (f"/{video[2]}" if video[2] else "")
        return f'<a href="{address}">{title[1] if title else f"Vimeo {video[1]}"}</a>'
    return f'<a href="{address}">{title[1] if title else address}</a>'


# Deeper nesting than this is flattened: every parser after us would need the square of its depth, or run out of stack.
MAX_NESTING = 100
# Elements that never nest in themselves, since the next one ends them (HTML 13.1.2.4), and those without an end.
_UNCOUNTED = frozenset(
    "p li dt dd tr td th thead tbody tfoot caption colgroup col rp rt option optgroup area base br embed hr img input "
    "link meta param source track wbr".split()
)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")


def flatten(html: str) -> str:
    """`html` without the tags of elements that are nested more than 100 deep."""
    return _flattened(html)[0]


def too_deep(html: str) -> int | None:
    """The place of the first tag that `flatten` takes out; None where there is none."""
    return _flattened(html)[1]


def _flattened(html: str) -> tuple[str, int | None]:
    depth = skipped = 0
    first: int | None = None

    def keep(match: re.Match[str]) -> str:
        nonlocal depth, skipped, first
        if match[2].lower() in _UNCOUNTED:
            return match[0]
        if match[1]:
            if skipped:
                skipped -= 1
                return ""
            depth = max(0, depth - 1)
        elif depth >= MAX_NESTING:
            skipped += 1
            first = match.start() if first is None else first
            return ""
        else:
            depth += 1
        return match[0]

    return _TAG.sub(keep, html), first


def clean(html: str) -> str:
    """`html` with only what is harmless in a mail: no script, form, comment or event handler; every element closed.

    A player (iframe, video, audio) with a web address becomes a link to it, since no mail program shows one.
    """
    import nh3  # noqa: PLC0415

    linked = _PLAYER.sub(_link_player, html)
    return nh3.clean(
        flatten(linked),
        tags=set(ALLOWED),
        clean_content_tags=set(GONE),
        attributes=ATTRIBUTES,
        strip_comments=True,
        link_rel=None,
        url_schemes=SCHEMES,
        filter_style_properties=PROPERTIES,
    )
