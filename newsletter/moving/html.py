"""The HTML of a post as Markdown: what readers read is kept, the machinery around it is not, and losses are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

# Asked in this order; what is chosen is the post, everything else on the page is the program's.
_POST = ("#content-blocks", "article .body", ".post-content", "article", "body")
# Machinery: sign-up boxes, share and comment buttons, paywall marks.
_MACHINERY = """script, style, noscript, template, form, input, button, svg, .preheader, .paywall-jump, .kg-signup-card,
.subscription-widget-wrap, .subscribe-widget, .subscription-widget, .kg-cta-card-sponsor, .share-dialog,
.image-link-expand, [data-component-name=SubscribeWidgetToDOM], [data-component-name=SubscribeWidget]"""
_BUTTONS = re.compile(r"[?&]action=(?:share|subscribe)|/subscribe\b|/comments$|/share\b|/upgrade\b")
_VIDEO = re.compile(r"//(?:www\.)?(?:youtube(?:-nocookie)?\.com/embed/|player\.vimeo\.com/video/)([\w-]+)")
_EXTRA = 'the extra "moving" is not installed'


def as_markdown(html: str) -> tuple[str, tuple[str, ...]]:
    """The Markdown of a post's HTML, and what could not be kept.

    Raises NewsletterError where the extra `moving` is not installed.
    """
    try:
        from bs4 import BeautifulSoup  # noqa: PLC0415
        from markdownify import MarkdownConverter  # noqa: PLC0415
    except ImportError:
        from newsletter.errors import NewsletterError  # noqa: PLC0415

        raise NewsletterError(_EXTRA, "pip install 'newsletter[moving]'") from None
    soup = BeautifulSoup(html, "lxml")
    post = next((found for place in _POST if (found := soup.select_one(place))), soup)
    notes = [*_without_machinery(post), *_frames(post, soup)]
    footnotes = _footnotes(post, soup)
    _figures(post, soup)
    _headings(post)

    class Converter(MarkdownConverter):
        def escape(self, text: str, parent_tags: set[str]) -> str:  # noqa: ARG002 - the library's hook
            return escaped(text)

    converter = Converter(
        heading_style="ATX",
        bullets="-",
        strong_em_symbol="*",
        code_language_callback=_language,
        table_infer_header=True,
    )
    text = re.sub(r"\n{3,}", "\n\n", str(converter.convert_soup(post))).strip()
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    for mark, words in footnotes.items():
        text = text.replace(f"\N{REFERENCE MARK}{mark}\N{REFERENCE MARK}", f"[^{mark}]")
        inner = " ".join(str(converter.convert(words)).split())
        text += f"\n\n[^{mark}]: {inner}"
    return text + "\n", tuple(dict.fromkeys(notes))


def escaped(text: str) -> str:
    """Prose such that Markdown reads it as prose; an underscore within a word is none of its signs."""
    text = re.sub(r"([\\\\`*\[\]<]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    return re.sub(r"^(?:(\d{1,9})([.)])(?=\s)|([#>+~=-]))", _at_the_start, text)


def _at_the_start(match: re.Match[str]) -> str:
    number, dot, sign = match.groups()
    return f"{number}\\{dot}" if number else f"\\{sign}"


def _without_machinery(post: Tag) -> list[str]:
    notes = []
    for tag in post.select("form"):
        if not tag.find_parent(class_=re.compile("subscri|signup")) and not re.search("subscri", str(tag)[:500]):
            notes.append("a form is left out")
    for tag in post.select(_MACHINERY):
        if not tag.decomposed:
            tag.decompose()
    for link in post.find_all("a", href=_BUTTONS):
        box = link.find_parent(class_=re.compile("button|kg-button"))
        if box is not None or "button" in " ".join(link.get("class") or []):
            (box or link).decompose()
    return notes


def _frames(post: Tag, soup: BeautifulSoup) -> list[str]:
    """Players become links: a mail plays nothing."""
    notes = []
    for tag in post.find_all(["iframe", "video", "audio", "embed", "object"]):
        inner = tag.find("source")
        address = str(tag.get("src") or (inner.get("src") if inner else "") or tag.get("data") or "")
        video = _VIDEO.search(address)
        if video:
            home = "https://www.youtube.com/watch?v=" if "youtube" in address else "https://vimeo.com/"
            address = home + video[1]
        if not address:
            tag.decompose()
            continue
        address = f"https:{address}" if address.startswith("//") else address
        link = soup.new_tag("a", href=address)
        link.string = str(tag.get("title") or "Watch or listen") + ": " + address
        line = soup.new_tag("p")
        line.append(link)
        tag.replace_with(line)
        notes.append(f"what plays at {address} is a link now")
    return notes


def _footnotes(post: Tag, soup: BeautifulSoup) -> dict[str, str]:
    """Take the footnotes of Substack out: mark -> HTML; in the text a sign stands for each mark."""
    found: dict[str, str] = {}
    for note in post.select("div.footnote"):
        number, content = note.select_one(".footnote-number"), note.select_one(".footnote-content")
        if number is not None and content is not None:
            found[number.get_text(strip=True)] = content.decode_contents()
            note.decompose()
    for anchor in post.select("a.footnote-anchor"):
        mark = anchor.get_text(strip=True)
        if mark in found:
            sign = "\N{REFERENCE MARK}"
            anchor.replace_with(soup.new_string(f"{sign}{mark}{sign}"))
    return found


def _figures(post: Tag, soup: BeautifulSoup) -> None:
    """A picture's caption goes below it, in italics; a link around a picture that only shows it larger is cut."""
    for figure in post.find_all("figure"):
        caption = figure.find("figcaption")
        if caption is not None and caption.get_text(strip=True):
            line, words = soup.new_tag("p"), soup.new_tag("em")
            words.extend(list(caption.contents))
            line.append(words)
            caption.replace_with(line)
        for link in figure.find_all("a"):
            picture = link.find("img")
            if picture is not None and re.search(
                r"\.(?:png|jpe?g|gif|webp)(?:$|[?&])", str(link.get("href", "")).lower()
            ):
                link.replace_with(picture)
        for picture in figure.find_all(["picture"]):
            inner = picture.find("img")
            if inner is not None:
                picture.replace_with(inner)


def _headings(post: Tag) -> None:
    """The title is the first heading of a mail; where a post has such headings too, all of its own go a step down."""
    if post.find("h1") is not None:
        for tag in post.find_all(re.compile("h[1-5]")):
            tag.name = f"h{int(tag.name[1]) + 1}"


def _language(element: Any) -> str:
    """The language of a block of code, from the classes that programs write."""
    inner = element.find("code") if element.name == "pre" else element
    classes = [*(element.get("class") or []), *((inner.get("class") or []) if inner else [])]
    return next((word.removeprefix("language-") for word in classes if word.startswith("language-")), "")
