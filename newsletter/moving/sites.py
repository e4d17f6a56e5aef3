"""Folders of site generators: Jekyll, Hugo, Pelican; and any folder of Markdown files with front matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from newsletter.moving.post import Markup, Post, Skipped
from newsletter.moving.reading import front_of, is_true, moment_of, one, texts
from newsletter.moving.tree import Tree

_DATED = re.compile(r"(\d{4}-\d\d-\d\d)-(.+)")
_MARKDOWN = (".md", ".markdown", ".mkd")
_JEKYLL_CODE = re.compile(r"\{%-?\s*highlight\s+(\w+)[^%]*%\}\n?(.*?)\n?\{%-?\s*endhighlight\s*-?%\}", re.DOTALL)
_JEKYLL_HOME = re.compile(r"\{\{\s*site\.(?:baseurl|url)\s*\}\}")
_JEKYLL_URL = re.compile(r"\{\{\s*(['\"])(.*?)\1\s*\|\s*(?:relative_url|absolute_url|prepend:[^}]*)\s*\}\}")
_JEKYLL_POST = re.compile(r"\{%-?\s*(?:post_url|link)\s+(?:_posts/)?(\S+?)(?:\.md)?\s*-?%\}")
_JEKYLL_REST = re.compile(r"\{%-?\s*(\w+)[^%]*%\}")
_HUGO_FIGURE = re.compile(r"\{\{[<%]\s*figure\s+(.*?)/?\s*[>%]\}\}", re.DOTALL)
_HUGO_REF = re.compile(r"\{\{[<%]\s*(?:rel)?ref\s+\"([^\"]+)\"\s*[>%]\}\}")
_HUGO_VIDEO = re.compile(r"\{\{[<%]\s*(youtube|vimeo)\s+(?:id=)?\"?([\w-]+)\"?\s*[>%]\}\}")
_HUGO_REST = re.compile(r"\{\{[<%]\s*/?\s*([\w-]+).*?[>%]\}\}", re.DOTALL)
_PELICAN_PLACE = re.compile(r"[{|](?:static|attach|filename|photo)[}|]")
_ATTRIBUTE = re.compile(r"(\w+)\s*=\s*(?:\"([^\"]*)\"|(\S+))")


@dataclass(frozen=True)
class Folder:
    """A folder of Markdown files, in the way of one program."""

    tree: Tree
    program: str
    roots: tuple[str, ...]
    inside: tuple[str, ...]  # where its posts lie; "" is anywhere
    address: Callable[[str, str, datetime | None], str]  # (name, slug, date) -> the path it had
    body: Callable[[str], tuple[str, tuple[str, ...]]]  # its own signs made plain, and what is lost

    def posts(self) -> Iterator[Post | Skipped]:
        """One post for each file with front matter or a title."""
        for name in self.tree.ending(*_MARKDOWN):
            parts = PurePosixPath(name)
            if parts.name.lower() in ("readme.md", "_index.md", "changelog.md", "license.md"):
                continue
            if not any(not place or place in parts.parts[:-1] for place in self.inside):
                continue
            front, text = front_of(self.tree, name)
            yield self._post(name, front, text) if front else Skipped(name, "it has no front matter")

    def _post(self, name: str, front: Mapping[str, Any], text: str) -> Post:
        path = PurePosixPath(name)
        stem = path.parent.name if path.stem == "index" else path.stem
        dated = _DATED.fullmatch(stem)
        words = dated[2] if dated else stem
        published = moment_of(one(front, "date", "publishdate")) or (moment_of(dated[1]) if dated else None)
        slug = one(front, "slug") or words
        body, notes = self.body(text)
        draft = is_true(front.get("draft")) or one(front, "status").lower() in ("draft", "hidden")
        draft = draft or str(front.get("published", "")).lower() == "false" or "_drafts" in path.parts
        own = one(front, "permalink", "url", "save_as")
        aliases = texts(front.get("aliases")) + texts(front.get("redirect_from"))
        return Post(
            place=name,
            title=one(front, "title", "subject") or words.replace("-", " ").capitalize(),
            body=body.strip("\n"),
            markup=Markup.MARKDOWN,
            slug=slug,
            subtitle=one(front, "subtitle"),
            description=one(front, "description", "summary", "excerpt"),
            author=one(front, "author") or ", ".join(texts(front.get("author") or front.get("authors"))),
            language=one(front, "lang", "language"),
            tags=texts(front.get("tags")) or texts(front.get("categories") or front.get("category")),
            published=published,
            sent=not draft and published is not None,
            cover=one(front, "image", "cover", "featured_image"),
            addresses=(own or self.address(name, slug, published), *aliases),
            folder="" if path.parent == PurePosixPath() else path.parent.as_posix(),
            notes=notes,
        )


def jekyll(tree: Tree) -> Folder | None:
    """The tree as a Jekyll site, if it is one."""
    names = set(tree.names)
    if "_config.yml" not in names and not any("_posts/" in f"/{name}" for name in names):
        return None

    def address(_name: str, slug: str, date: datetime | None) -> str:
        return f"/{date:%Y/%m/%d}/{slug}.html" if date else f"/{slug}.html"

    return Folder(tree, "jekyll", ("", "assets"), ("_posts", "_drafts"), address, jekyll_body)


def hugo(tree: Tree) -> Folder | None:
    """The tree as a Hugo site, if it is one."""
    settings = {"hugo.toml", "hugo.yaml", "hugo.json", "config.toml", "config.yaml"}
    if not settings & set(tree.names) and not any(name.endswith("/_index.md") for name in tree.names):
        return None

    def address(name: str, slug: str, _date: datetime | None) -> str:
        inner = PurePosixPath(name.removeprefix("content/")).parent
        folder = inner.parent if PurePosixPath(name).stem == "index" else inner
        return f"/{folder.as_posix()}/{slug}/".replace("/./", "/")

    return Folder(tree, "hugo", ("static", "assets", ""), ("content",), address, hugo_body)


def pelican(tree: Tree) -> Folder | None:
    """The tree as a Pelican site, if it is one."""
    if not {"pelicanconf.py", "publishconf.py"} & set(tree.names):
        return None
    return Folder(
        tree, "pelican", ("content", ""), ("content",), lambda _name, slug, _date: f"/{slug}.html", pelican_body
    )


def folder(tree: Tree) -> Folder | None:
    """The tree as a mere folder of Markdown files, if it has any."""
    if not any(True for _ in tree.ending(*_MARKDOWN)):
        return None
    return Folder(
        tree, "markdown", ("", "static"), ("",), lambda _name, slug, _date: f"/{slug}/", lambda text: (text, ())
    )


def jekyll_body(text: str) -> tuple[str, tuple[str, ...]]:
    """Liquid's signs made plain; those that are left over are told."""
    text = _JEKYLL_CODE.sub(lambda match: f"```{match[1]}\n{match[2]}\n```", text)
    text = _JEKYLL_URL.sub(lambda match: match[2], _JEKYLL_HOME.sub("", text))
    text = _JEKYLL_POST.sub(lambda match: _DATED.sub(r"\2", match[1]) + ".md", text)
    return text, _left_over(_JEKYLL_REST, _outside_of_code(text), "Liquid's {{% {} %}} means nothing here")


def hugo_body(text: str) -> tuple[str, tuple[str, ...]]:
    """Shortcodes made plain; those that are left over are told."""
    text = _HUGO_FIGURE.sub(_figure, text)
    text = _HUGO_REF.sub(lambda match: match[1] if match[1].endswith(".md") else f"{match[1]}.md", text)
    text = _HUGO_VIDEO.sub(_video, text)
    return text, _left_over(_HUGO_REST, _outside_of_code(text), "Hugo's shortcode {} means nothing here")


def pelican_body(text: str) -> tuple[str, tuple[str, ...]]:
    """Pelican's `{static}` and the like taken off."""
    return _PELICAN_PLACE.sub("", text), ()


def _figure(match: re.Match[str]) -> str:
    found = {key: quoted or bare for key, quoted, bare in _ATTRIBUTE.findall(match[1])}
    caption = found.get("caption") or found.get("title", "")
    picture = f"![{found.get('alt') or caption}]({found.get('src', '')})"
    return picture + (f"\n\n*{caption}*" if caption else "")


def _video(match: re.Match[str]) -> str:
    home = "https://www.youtube.com/watch?v=" if match[1] == "youtube" else "https://vimeo.com/"
    return f"[{'YouTube' if match[1] == 'youtube' else 'Vimeo'}: {home}{match[2]}]({home}{match[2]})"


def _outside_of_code(text: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def _left_over(pattern: re.Pattern[str], text: str, words: str) -> tuple[str, ...]:
    return tuple(words.format(name) for name in dict.fromkeys(pattern.findall(text)))
