"""The sample issues, and one with every element in ten languages, before the judges: Nu, axe, SpamAssassin.

Slow: `python3 -m newsletter test -m slow -k validity`. Needs node with npm, Java, Chromium and SpamAssassin, which
`.ci/run` installs; a test whose tool is missing is skipped.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from judges import hindrances, html_faults, install_judges, tool

from newsletter.content.glossary import Term
from newsletter.content.reader import parse_issue
from newsletter.pipeline.building import files_of
from newsletter.pipeline.desk import open_desk
from newsletter.publication import builtin, find_publication
from newsletter.render.renderer import render
from newsletter.render.theme import read_theme

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
THEMES = ("default", "letter")
WORDS = {  # a title and a sentence with a glossary term in it
    "en": ("What is a token?", "A token is a piece of text.", "token"),
    "de": ("Was ist ein Token?", "Ein Token ist ein Stück Text.", "Token"),
    "fr": ("Qu’est-ce qu’un jeton ?", "Un jeton est un bout de texte.", "jeton"),
    "es": ("¿Qué es un token?", "Un token es un trozo de texto.", "token"),
    "pt": ("O que é um token?", "Um token é um pedaço de texto.", "token"),
    "ja": ("トークンとは何か", "トークンは文章の一片です。", "トークン"),
    "zh": ("什么是词元？", "词元是一小段文本。", "词元"),
    "hi": ("टोकन क्या है?", "टोकन पाठ का एक टुकड़ा है।", "टोकन"),
    "ar": ("ما هو الرمز؟", "الرمز قطعة من النص.", "الرمز"),
    "fa": ("توکن چیست؟", "توکن تکه‌ای از متن است.", "توکن"),
}
EVERYTHING = """---
title: "{title}"
subtitle: "{sentence}"
author: Ada
date: 2026-11-24
number: 12
language: {language}
next: what-is-an-embedding
---
{sentence} {sentence} [{title}](https://example.org/)[^1] `code` **{title}** ~~{title}~~ <kbd>K</kbd>

## 1. {title}

- {sentence}
    1. {sentence}
    2. {sentence}
- [x] {sentence}

> {sentence}

| {title} | 2 |
|:--------|--:|
| {term}  | 4 |

```python
print("{term}")
```

```
┌──────────┐
│ {term} 🏢 │
└──────────┘
```

!!! warning
    {sentence}

{term}
:   {sentence}

![{title}](https://pics.example/cat.png)

---

[^1]: {sentence}
"""


def everything(language: str) -> str:
    title, sentence, term = WORDS[language]
    return EVERYTHING.format(title=title, sentence=sentence, term=term, language=language)


@pytest.fixture(scope="module")
def editions() -> Mapping[str, Mapping[str, bytes]]:
    """The files of each edition, by theme and name."""
    desk = open_desk(find_publication(ROOT))
    glossary = dict(desk.site.glossary) | {
        term: Term(term, sentence, "https://example.org/") for _, sentence, term in WORDS.values()
    }
    site = replace(desk.site, glossary=glossary)
    issues = [*desk.folder.issues]
    issues += [parse_issue(Path(f"issues/all-{code}.md"), everything(code).encode()) for code in WORDS]
    written = datetime(2026, 11, 24, 8, tzinfo=UTC)
    return {
        f"{name}-{issue.slug}": files_of(render(issue, site, theme), site.base_url, written)
        for name in THEMES
        for theme in [read_theme([builtin("templates")], name)]
        for issue in issues
    }


@pytest.fixture(scope="module")
def pages(editions: Mapping[str, Mapping[str, bytes]], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The web pages and emails as files."""
    folder = tmp_path_factory.mktemp("pages")
    paths = []
    for name, files in editions.items():
        for kind in ("web.html", "email.html"):
            paths.append(folder / f"{name}-{kind}")
            paths[-1].write_bytes(files[kind])
    return paths


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judges that npm has, installed for this run."""
    return install_judges(tmp_path_factory.mktemp("validity"))


def test_the_web_pages_are_valid_html(pages: list[Path], modules: Path) -> None:
    web = [path for path in pages if path.name.endswith("web.html")]
    assert len(web) >= 26
    assert not html_faults(modules, web)


def test_nothing_hinders_anybody_and_no_page_scrolls_sideways(pages: list[Path], modules: Path) -> None:
    results = hindrances(modules, pages)
    grave = [
        (Path(result["path"]).name, result["colorScheme"], result["width"], each)
        for result in results
        for each in result["found"]
        if each["impact"] in ("serious", "critical")
    ]
    assert not grave, grave[:5]
    assert not [Path(result["path"]).name for result in results if result["sideways"]]


def test_no_mail_looks_like_spam(editions: Mapping[str, Mapping[str, bytes]]) -> None:
    judge = tool("spamassassin")
    samples = {name: files["email.eml"] for name, files in editions.items() if not name.startswith("letter-all")}
    for name, mail in samples.items():
        done = subprocess.run([judge, "-L", "-t"], input=mail, capture_output=True, timeout=120, check=False)
        report = done.stdout.decode("utf-8", "replace")
        (score,) = re.findall(r"^Content analysis details:\s+\((-?[\d.]+) points", report, re.MULTILINE)
        assert float(score) < 1.0, (name, report[report.index("Content analysis") :])
