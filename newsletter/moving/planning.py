"""What a source becomes: files of issues with their pictures, links between them, and where the old addresses lead.

Pure: nothing is written here.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from newsletter.content.slugs import is_slug, slugify
from newsletter.moving.html import as_markdown
from newsletter.moving.post import Markup, Post, Skipped, Source

_KINDS = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_PICTURE = re.compile(r"!\[(?P<alt>(?:\\.|[^\]\\])*)\]\(\s*<?(?P<target>[^\s)>]+)>?(?P<title>\s+[^)]*)?\)")
_IMG = re.compile(r"(<img\b[^>]*?\bsrc\s*=\s*)([\"'])(?P<target>[^\"']+)\2", re.IGNORECASE)
_LINK = re.compile(r"(?<!!)(\[(?:\\.|[^\]\\])*\]\(\s*<?)([^\s)>]+)")
_CODE = re.compile(r"^(```+|~~~+).*?^\1[ \t]*$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_BRACES = re.compile(r"\{\{.{0,60}?\}\}|\{%.{0,60}?%\}")


@dataclass(frozen=True)
class Arrival:
    """A post as it will lie in `issues/`: its file's text, and its pictures (name there -> name in the source).

    `remote` are the pictures that stay on somebody else's server.
    """

    post: Post
    slug: str
    file: str
    text: str
    pictures: Mapping[str, str] = field(default_factory=dict)
    remote: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All arrivals in the order of their dates, what stays behind, and old path -> slug."""

    arrivals: tuple[Arrival, ...]
    skipped: tuple[Skipped, ...]
    redirects: Mapping[str, str]


def plan(source: Source, taken: Collection[str], number: int, zone: ZoneInfo, home: str = "") -> Plan:
    """What the source becomes in a publication that has the slugs `taken` and issues up to `number`.

    `home` is the address that the posts had (`https://old.example`): links to it are links among them.
    """
    found = list(source.posts())
    skipped = [post for post in found if isinstance(post, Skipped)]
    posts = sorted((post for post in found if isinstance(post, Post)), key=lambda post: _order(post, zone))
    named: list[tuple[Post, str, str]] = []
    used = set(taken)
    for post in posts:
        slug = _slug(post)
        if slug in taken:
            skipped.append(Skipped(post.place, f'there is an issue "{slug}" already'))
            continue
        slug = _free(slug, used)
        used.add(slug)
        named.append((post, slug, f"{number + len(named) + 1:03d}-{slug}.md"))
    places = {path: file for post, _, file in named for path in _paths(post)}
    mover = _Mover(source, places, zone, home)
    arrivals = tuple(mover.arrival(post, slug, file) for post, slug, file in named)
    public = [(path, slug) for post, slug, _ in named if post.sent for path in _paths(post)]
    redirects = {path: slug for path, slug in public if path.strip("/") != slug}
    return Plan(arrivals, tuple(skipped), redirects)


@dataclass(frozen=True)
class _Mover:
    """What each post is moved with: its source, old path -> new file, the zone of dates, the address it all had."""

    source: Source
    places: Mapping[str, str]
    zone: ZoneInfo
    home: str

    def arrival(self, post: Post, slug: str, file: str) -> Arrival:
        """The post as it will lie in `issues/`."""
        body, notes = as_markdown(post.body) if post.markup is Markup.HTML else (post.body, ())
        if post.cover and post.cover not in body:
            body = f"![{post.cover_alt}]({post.cover})\n\n{body}"
        pictures: dict[str, str] = {}
        remote: list[str] = []
        lost: list[str] = []

        def picture(target: str) -> str:
            known = _picture(self.source, post.folder, target)
            if known is not None:
                inner = f"images/{slug}/{_name(known, pictures)}"
                pictures[inner] = known
                return inner
            if self.home and target.startswith("/") and not target.startswith("//"):
                target = self.home.rstrip("/") + target
            if urlsplit(target).netloc:
                remote.append(target)
            elif not target.startswith("data:"):
                lost.append(f"the picture {target} is not in the export")
            return target

        body = _outside_of_code(body, lambda text: _with_pictures(text, picture))
        body = _outside_of_code(body, lambda text: _with_links(text, self.places, self.home))
        if not post.notes and (braces := list(dict.fromkeys(_BRACES.findall(_CODE.sub("", body))))):
            lost.append(f"signs of the old program are left in the text: {', '.join(braces[:3])}")
        text = f"{_front(post, self.zone)}\n{body.strip()}\n"
        return Arrival(post, slug, file, text, pictures, tuple(dict.fromkeys(remote)), (*post.notes, *notes, *lost))


def with_fetched(arrival: Arrival, fetched: Mapping[str, str]) -> Arrival:
    """The arrival with pictures of the web (address -> name below `issues/`) that are at home now."""
    text = _outside_of_code(arrival.text, lambda part: _with_pictures(part, lambda target: fetched.get(target, target)))
    return replace(arrival, text=text, remote=tuple(target for target in arrival.remote if target not in fetched))


def wall_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """The wall time of a moment in the publication's zone; naive ones are wall times already."""
    return (moment.astimezone(zone) if moment.tzinfo else moment).replace(tzinfo=None, second=0, microsecond=0)


def _front(post: Post, zone: ZoneInfo) -> str:
    written: list[tuple[str, str]] = [("subject", _quoted(post.title))]
    written += [("subtitle", _quoted(post.subtitle))] if post.subtitle else []
    written += [("preheader", _quoted(post.description))] if post.description else []
    written += [("author", _quoted(post.author))] if post.author else []
    written += [("language", post.language)] if re.fullmatch(r"[A-Za-z]{2,3}([-_]\w+)?", post.language) else []
    written += [("date", f"{wall_of(post.published, zone):%Y-%m-%d}")] if post.published else []
    written += [("tags", "[" + ", ".join(map(_quoted, post.tags)) + "]")] if post.tags else []
    written += [] if post.sent else [("status", "draft")]
    return "\n".join(["---", *(f"{key}: {value}" for key, value in written), "---", ""])


def _quoted(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _order(post: Post, zone: ZoneInfo) -> tuple[bool, str, str]:
    """By date; those without one, the drafts, come last."""
    return (post.published is None, wall_of(post.published, zone).isoformat() if post.published else "", post.place)


def _slug(post: Post) -> str:
    return post.slug if is_slug(post.slug) else slugify(post.slug or post.title)


def _free(slug: str, used: Collection[str]) -> str:
    return next(name for name in (slug, *(f"{slug}-{n}" for n in range(2, 10_000))) if name not in used)


def _paths(post: Post) -> list[str]:
    """The old addresses as paths, each once."""
    paths = (urlsplit(address).path for address in post.addresses)
    return list(dict.fromkeys(f"/{path.lstrip('/')}" for path in paths if path.strip("/")))


def _picture(source: Source, folder: str, target: str) -> str | None:
    """The file of the source that an address in a post means, or None where it is elsewhere."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = unquote(parts.path)
    if path.startswith("/"):
        tries = [posixpath.join(root, path.lstrip("/")) for root in source.roots]
    else:
        tries = [posixpath.join(place, path) for place in (folder, *source.roots)]
    known = set(source.tree.names)
    return next((name for name in map(posixpath.normpath, tries) if name in known and _is_picture(name)), None)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_KINDS)


def _name(source: str, pictures: Mapping[str, str]) -> str:
    """A plain name for a picture, its own where no other picture of the issue has it."""
    path = PurePosixPath(source)
    plain = re.sub(r"[^A-Za-z0-9._@-]+", "-", path.name).lstrip(".-") or f"picture{path.suffix}"
    others = {PurePosixPath(inner).name: name for inner, name in pictures.items()}
    if others.get(plain, source) == source:
        return plain
    return f"{hashlib.sha256(source.encode()).hexdigest()[:8]}-{plain}"


def _outside_of_code(text: str, change: Callable[[str], str]) -> str:
    parts, end = [], 0
    for match in _CODE.finditer(text):
        parts += [change(text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, change(text[end:])])


def _with_pictures(text: str, place: Callable[[str], str]) -> str:
    def written(match: re.Match[str]) -> str:
        return f"![{match['alt']}]({_safe(place(match['target']))}{match['title'] or ''})"

    text = _PICTURE.sub(written, text)
    return _IMG.sub(lambda match: f"{match[1]}{match[2]}{place(match['target'])}{match[2]}", text)


def _with_links(text: str, places: Mapping[str, str], home: str) -> str:
    """Links among the posts as links to their new files."""

    def written(match: re.Match[str]) -> str:
        address = match[2]
        own = address.removeprefix(home.rstrip("/")) if home else address
        path, _, anchor = own.partition("#")
        file = places.get(path) or places.get(f"{path.rstrip('/')}/") or places.get(path.rstrip("/"))
        file = file or _by_name(path, places.values())
        return f"{match[1]}{file}{'#' + anchor if anchor else ''}" if file else match[0]

    return _LINK.sub(written, text)


def _by_name(path: str, files: Iterable[str]) -> str | None:
    """The file that a relative link between Markdown files means: `2024-01-02-cats.md` or `cats.md`."""
    name = PurePosixPath(path)
    stem = re.sub(r"^\d{4}-\d\d-\d\d-", "", name.parent.name if name.stem == "index" else name.stem)
    if not path.endswith((".md", ".markdown")) or urlsplit(path).scheme:
        return None
    return next((file for file in files if file[4:-3] == slugify(stem)), None)


def _safe(target: str) -> str:
    return f"<{target}>" if re.search(r"[\s()]", target) else target
