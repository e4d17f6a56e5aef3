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
    title = f"\n### `{rule.id}` ({rule.severity})\n\n{rule.title}. {rule.why}\n\n"
    return title + f"- Fix: {fix}\n- Source: {source}\n"


if __name__ == "__main__":
    from newsletter.check.registry import RULES

    print(as_markdown(RULES), end="")
