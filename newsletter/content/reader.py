"""From a file in `issues/` to an Issue, and from the folder to all of them in their order."""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from newsletter.content.files import decode, read_bytes
from newsletter.content.front_matter import KEYS, Front, read_front_matter, read_moment
from newsletter.content.headings import Heading, first_heading, without
from newsletter.content.issue import Issue
from newsletter.content.slugs import is_slug, slugify, split_name
from newsletter.content.snippets import Included, include
from newsletter.errors import ContentError
from newsletter.finding import Finding, Severity

_SUFFIXES = (".md", ".markdown")


@dataclass(frozen=True)
class Folder:
    """The issues of a publication in their order, and the files that could not be read."""

    issues: tuple[Issue, ...]
    broken: tuple[ContentError, ...]


def read_folder(folder: Path, read: Callable[[Path], Issue] | None = None) -> Folder:
    """All issues in `folder`; hidden files, those that start with `_`, and README.md are not issues.

    `read` reads one of them (`read_issue`, or one that remembers). Raises ContentError where the folder itself cannot
    be read; a file that cannot be is in `broken`.
    """
    try:
        names = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    except OSError as error:
        raise ContentError(
            folder, None, f"cannot be read: {error.strerror}", "issues are Markdown files in it"
        ) from None
    issues, broken = [], []
    for path in names:
        if path.name.startswith((".", "_")) or path.stem.lower() == "readme":
            continue
        try:
            issues.append((read or read_issue)(path))
        except ContentError as error:
            broken.append(error)
    return Folder(tuple(sorted(issues, key=order_key)), tuple(broken))


def read_issue(path: Path) -> Issue:
    """The issue in the file `path`; raises ContentError that names file and line."""
    return parse_issue(path, read_bytes(path))


def parse_issue(path: Path, data: bytes) -> Issue:
    """The issue that `data` holds, as if it were read from `path`, with the snippets that it names."""
    text = decode(path, data)
    front = read_front_matter(path, text)
    file = f"{path.parent.name}/{path.name}" if path.parent.name else path.name
    included = include(path, front.body, front.body_line, file)
    values = dict(front.values)
    heading = first_heading(included.text)
    title = values.get("title") or values.get("subject") or (heading.text if heading else "")
    subject = values.get("subject") or title
    number, words = split_name(path.stem)
    values.setdefault("number", number)
    notes = [_unknown(path, key, line) for key, line in front.unknown] + _settle_moments(path, front, values)
    return Issue(
        path=path,
        slug=_slug(path, front, words),
        body=_body(included.text, heading, title),
        body_line=front.body_line,
        key_lines=MappingProxyType(dict(front.lines)),
        source_digest=_digest(data, included),
        notes=tuple(notes),
        vars=MappingProxyType(values.pop("vars", {})),
        checks=MappingProxyType(values.pop("checks", {})),
        text=text,
        origins=included.origins,
        snippets=tuple(snippet for snippet, _ in included.files),
        **{key: value for key, value in values.items() if key not in ("slug", "subject", "title")},
        subject=subject,
        title=title,
    )


def _digest(data: bytes, included: Included) -> str:
    """The SHA-256 of all that the issue is read from: the file, and the snippets in it by name."""
    digest = hashlib.sha256(data)
    for snippet, content in included.files:
        digest.update(f"\0{snippet.name}\0{content}".encode())
    return digest.hexdigest()


def order_key(issue: Issue) -> tuple[bool, int, str, str]:
    """What issues are ordered by: number, then date, then the file's name; those without number come last."""
    return issue.number is None, issue.number or 0, _day(issue.date), issue.path.name


def duplicates(issues: Sequence[Issue]) -> dict[str, list[Issue]]:
    """The slugs that more than one issue has, each with its issues."""
    counts = Counter(issue.slug for issue in issues)
    return {slug: [issue for issue in issues if issue.slug == slug] for slug, count in counts.items() if count > 1}


def _slug(path: Path, front: Front, name: str) -> str:
    wished = front.values.get("slug")
    if wished is None:
        return slugify(name)
    if not is_slug(wished):
        line = front.lines["slug"]
        raise ContentError(path, line, f'slug: "{wished[:40]}" cannot stand in an address', f"slug: {slugify(wished)}")
    return str(wished)


def _body(body: str, heading: Heading | None, title: str) -> str:
    """The body without the heading that only repeats the title, which the theme shows."""
    if heading and heading.first and heading.text.casefold() == title.casefold():
        return without(body, heading)
    return body


def _day(moment: date | datetime | None) -> str:
    return moment.isoformat() if moment else "9999"


def _settle_moments(path: Path, front: Front, values: dict[str, Any]) -> list[Finding]:
    """Turn `date` and `slot` into moments; what is none is a finding, so that the rest of the issue can be seen."""
    findings = []
    for key in ("date", "slot"):
        if key not in values:
            continue
        text = values.pop(key)
        try:
            values[key] = read_moment(text)
        except ValueError:
            file, fix = f"{path.parent.name}/{path.name}", f"{key}: 2026-11-27"
            message = f'{key}: "{text[:40]}" is no date of the calendar'
            findings.append(Finding("front-matter-date", Severity.ERROR, message, file, front.lines[key], 1, fix))
    return findings


def _unknown(path: Path, key: str, line: int) -> Finding:
    near = difflib.get_close_matches(key.lower(), KEYS, n=1)
    fix = f'did you mean "{near[0]}"?' if near else f"known keys: {', '.join(sorted(KEYS))}"
    file = f"{path.parent.name}/{path.name}"
    return Finding("front-matter-unknown-key", Severity.WARNING, f'unknown key "{key}"', file, line, 1, fix)
