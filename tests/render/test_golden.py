"""The sample issues as they were looked at: any change of a byte in them is to be looked at again.

Renew with `python tests/render/test_golden.py`, open the files in a browser, then commit them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.pipeline.building import files_of
from newsletter.pipeline.desk import open_desk
from newsletter.publication import find_publication

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
KEPT = ("email.html", "email.txt", "web.html")
SLUGS = ("what-is-a-token", "what-is-a-context-window", "what-is-an-embedding")


def rendered(slug: str) -> dict[str, str]:
    desk = open_desk(find_publication(ROOT))
    files = files_of(desk.render(desk.find(slug)), desk.site.base_url)
    return {name: files[name].decode() for name in KEPT}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_sample_issue_is_as_it_was_looked_at(slug: str) -> None:
    for name, text in rendered(slug).items():
        assert text == (GOLDEN / slug / name).read_text(encoding="utf-8"), f"{slug}/{name}"


if __name__ == "__main__":
    for slug in SLUGS:
        (GOLDEN / slug).mkdir(parents=True, exist_ok=True)
        for name, text in rendered(slug).items():
            (GOLDEN / slug / name).write_text(text, encoding="utf-8", newline="\n")
