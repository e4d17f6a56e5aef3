"""The reference of all rules as a Markdown page: `docs/checks.md` is this, and a test keeps it current."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from newsletter.check.rule import Rule

_HEAD = """\
# Checks

What `newsletter check` looks for. An **error** keeps an issue from being approved and sent; a **warning** and an
**info** do not. `[check]` in `newsletter.toml` sets a rule to `off`, `info`, `warning` or `error`:

```toml
[check]
link-insecure = "off"
image-alt-missing = "error"
subject-long = { severity = "warning", limit = 50 }
```

A rule with a **limit** has a threshold that can be set. An *opt-in* rule speaks only where it is given a severity.
`newsletter check --rules` lists all rules as they are set, `newsletter check --explain RULE` says all about one.

An author silences a rule with a reason, for the whole issue in front matter, or for one line by a comment on it or
above it. A silence that is not needed, or has no reason, is a finding itself:

```
checks:
  link-text-vague: the page is called "Here"
```

```
<!-- check off link-insecure: the museum has no https -->
See [the museum](http://museum.example/).
```

**Spelling** is an extra: `pip install 'newsletter[spelling]'`, then `word-misspelt = "warning"`. Words that are right
here stand in `words.txt` beside `newsletter.toml`, one a line.

**Rules of your own** are Python files in the publication's folder `checks/`, or a package that names them in its entry
points, group `newsletter.checks`. A file that cannot be loaded and a rule that fails are findings; the others run.

```python
from newsletter.check.registry import Hit, Severity, rule


@rule(
    "house-no-robots",
    "house",
    Severity.WARNING,
    "The word robot",
    why="We say program.",
    source="our style guide",
    fix="say program",
)
def no_robots(inspection):
    for start, text in inspection.paragraphs:
        if "robot" in text:
            yield Hit("we say program", *inspection.at(start + text.index("robot")))
```

This page is made from the rules themselves.
"""


def as_markdown(rules: Iterable[Rule]) -> str:
    """The page that explains `rules`, group by group."""
    parts = [_HEAD]
    for group, members in groupby(rules, key=lambda rule: rule.group):
        parts.append(f"\n## {group[0].upper()}{group[1:]}\n")
        parts += [_entry(rule) for rule in members]
    return "".join(parts)


def _entry(rule: Rule) -> str:
    fix, source = (text.replace("<", "\\<").replace("[", "\\[") for text in (rule.fix, rule.source))
    level = f"opt-in, {rule.severity}" if rule.opt_in else rule.severity
    title = f"\n### `{rule.id}` ({level})\n\n{rule.title}. {rule.why}\n\n"
    limit = f"- Limit: {rule.limit:g}\n" if rule.limit is not None else ""
    return title + f"- Fix: {fix}\n- Source: {source}\n{limit}"


if __name__ == "__main__":
    from newsletter.check.registry import RULES

    print(as_markdown(RULES), end="")
