"""How long a save takes to be seen in the preview: `python -m benchmarks.preview`.

A real preview and the system's Chromium. From just before the file is written to the moment when the new words stand in
the page that is shown, on the clock of the machine, once for each of some rounds. The second table is the longest piece
of work of the page's main thread for each view, with 500 issues and one of 400 KB (a task over 50 ms is a long one).
Figures of one machine at one time: nothing here fails.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from statistics import median, quantiles
from typing import Any

from benchmarks.samples import LENGTHS, ROOT, issue_of
from benchmarks.table import table

_VIEWS = {"email": "1", "text": "2", "web page": "3", "inbox": "4", "HTML": "5", "message": "6", "headers": "7"}
_WATCH = """mark => {
    const body = document.querySelector('.pane iframe').contentDocument.body;
    window.seen = 0;
    new MutationObserver((_, observer) => {
        if (!body.textContent.includes(mark)) return;
        window.seen = performance.timeOrigin + performance.now();
        observer.disconnect();
    }).observe(body, { subtree: true, childList: true, characterData: true });
}"""
_SEEN = """() => new Promise((resolve, reject) => {
    const begin = Date.now();
    const look = () => window.seen ? resolve(window.seen)
        : Date.now() - begin > 20000 ? reject(new Error('never seen')) : setTimeout(look, 10);
    look();
})"""
_LONGEST = """() => new Promise(resolve => {
    let longest = 0;
    const observer = new PerformanceObserver(list => {
        for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
    });
    observer.observe({ type: 'longtask' });
    setTimeout(() => { observer.disconnect(); resolve(longest); }, 1500);
})"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.preview", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="saves that are timed (default 20)")
    parser.add_argument("--issues", type=int, default=500, help="issues of the second table (default 500)")
    options = parser.parse_args(argv)
    sys.path.insert(0, str(ROOT / "tests"))
    from browser import open_browser

    with open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        waits = saves(browser, publication(Path(folder) / "one", 3), options.rounds)
        shown = [f"{waits[0]:.0f}", f"{median(waits[1:]):.0f}", f"{quantiles(waits[1:], n=10)[-1]:.0f}"]
        rows = [[f"a save of {LENGTHS[0]}", *shown, f"{max(waits):.0f}"]]
        print(table(["milliseconds until it is seen", "first", "median", "p90", "worst"], rows), end="\n\n")
        long = views(browser, publication(Path(folder) / "many", options.issues, large=True))
        print(
            table([f"{options.issues} issues, one of 400 KB", "longest task, ms"], [[k, f"{v:.0f}"] for k, v in long])
        )


def publication(folder: Path, count: int, *, large: bool = False) -> Path:
    """The sample publication with so many issues; the first is the one that is looked at."""
    folder.mkdir(parents=True)
    (folder / "newsletter.toml").write_text((ROOT / "newsletter.toml").read_text(encoding="utf-8"), encoding="utf-8")
    copytree(ROOT / "templates", folder / "templates")
    (folder / "issues").mkdir()
    body = issue_of(LENGTHS[2] if large else LENGTHS[0]).body
    for number in range(1, count + 1):
        text = body if number == 1 else f"The text of issue {number}.\n"
        (folder / "issues" / f"{number:03}-issue.md").write_text(
            f"---\nsubject: Issue {number}\nslug: issue-{number}\n---\n\n{text}", encoding="utf-8"
        )
    return folder


def saves(browser: Any, folder: Path, rounds: int) -> list[float]:
    """The wait of each save, in milliseconds."""
    file = folder / "issues" / "001-issue.md"
    text = file.read_text(encoding="utf-8")
    waits = []
    with opened(browser, folder) as page:
        for number in range(rounds + 1):
            mark = f"Mark{number}x{time.monotonic_ns()}"
            page.evaluate(_WATCH, mark)
            begin = time.time() * 1000
            file.write_text(re.sub(r"\n\n(?:Mark\S+ )?", f"\n\n{mark} ", text, count=2), encoding="utf-8")
            waits.append(page.evaluate(_SEEN) - begin)
            time.sleep(0.3)  # people do not save at once again
    return waits


def views(browser: Any, folder: Path) -> list[tuple[str, float]]:
    """The longest task of the page in each view of the large issue."""
    with opened(browser, folder) as page:
        page.wait_for_timeout(3000)
        found = []
        for name, key in _VIEWS.items():
            page.keyboard.press("7" if key != "7" else "4")
            page.wait_for_timeout(1000)
            page.keyboard.press(key)
            found.append((name, page.evaluate(_LONGEST)))
        page.keyboard.press("1")
        page.wait_for_timeout(2000)
        file = folder / "issues" / "001-issue.md"
        file.write_text(file.read_text(encoding="utf-8").replace("the", "THE", 3), encoding="utf-8")
        found.append(("a save of it", page.evaluate(_LONGEST)))
        page.keyboard.press("j")
        found.append(("the next issue", page.evaluate(_LONGEST)))
        page.wait_for_timeout(1000)
        page.keyboard.press("m")
        found.append(("the month", page.evaluate(_LONGEST)))
        page.keyboard.press("Escape")
        page.wait_for_timeout(300)
        page.keyboard.press("/")
        page.keyboard.type("issue 4")
        found.append(("filtering the list", page.evaluate(_LONGEST)))
    return found


@contextmanager
def opened(browser: Any, folder: Path) -> Iterator[Any]:
    """The page of a preview of `folder`, on its first issue."""
    command = [sys.executable, "-m", "newsletter", "-C", str(folder), "--json", "preview", "--no-open", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as preview:
        assert preview.stdout
        url = json.loads(preview.stdout.readline())["data"]["url"]
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        try:
            page.goto(f"{url}#001-issue.md")
            page.locator("html[data-version]").wait_for(state="attached", timeout=60_000)
            yield page
        finally:
            page.close()
            preview.terminate()


if __name__ == "__main__":
    main()
