"""The README's tour and demo are run, and print what the README shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import ROOT, Block, blocks, words

from newsletter.cli.main import main

README = (ROOT / "README.md").read_text(encoding="utf-8")
LEFT_OUT = "…"
# What is another one at each run: times, digests, ports, sizes, seconds, folders.
_VARYING = (
    (re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day \d{4}-\d\d-\d\d"), "DAY"),
    (re.compile(r"\bin \d[\w ]*$"), "in TIME"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "DIGEST"),
    (re.compile(r"(?<=\d\d:\d\d):\d\d(?= UTC)"), ""),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
    (re.compile(r"\d+(?:\.\d+)? KB"), "SIZE"),
    (re.compile(r"\d+ calls, \d+\.\d s at"), "CALLS at"),  # a busy machine needs one more
    (re.compile(r"\b1 (line|batch)(?:s|es)\b"), r"1 \1"),
    (re.compile(r"newsletter-demo-\w+"), "newsletter-demo-x"),
)


def chapter(title: str) -> list[Block]:
    """The blocks below the heading `title`, up to the next one of its level."""
    text = README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return list(blocks(text))


def even(line: str) -> str:
    """A line without what varies from run to run."""
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line.rstrip()


def runs(block: Block) -> list[tuple[str, list[str]]]:
    """The command lines of a console block, each with the output that is shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def set_keys(path: Path, lines: tuple[str, ...]) -> None:
    """Put `lines`, each a key with its value, in the place of the lines that have these keys."""
    text = path.read_text(encoding="utf-8")
    for line in lines:
        key = re.split(r"[:=]", line)[0].strip()
        text, count = re.subn(rf"^{key}\s*[:=].*$", lambda _, line=line: line, text, flags=re.MULTILINE)
        assert count == 1, f"{path.name} has no line for {key}"
    path.write_text(text, encoding="utf-8")


def do_in(folder: Path, block: Block) -> None:
    """What the tour asks of an editor: settings, a list, text and front matter of the issue that is being written."""
    issue = folder / "issues" / "002-what-is-a-token.md"
    match block.language:
        case "toml":
            set_keys(folder / "newsletter.toml", block.lines)
        case "csv":
            (folder / "readers.csv").write_text("\n".join(block.lines) + "\n", encoding="utf-8")
        case "markdown":
            issue.write_text(issue.read_text(encoding="utf-8") + "\n".join(block.lines) + "\n", encoding="utf-8")
        case "yaml":
            set_keys(issue, block.lines)


def test_the_tour_prints_what_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("AUTOSEND_API_KEY", "AUTOSEND_API_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.chdir(tmp_path)
    done = []
    for block in chapter("A tour of five minutes"):
        if block.language != "console":
            do_in(tmp_path / "my-letter", block)
            continue
        for line, shown in runs(block):
            if line.startswith("cd "):
                monkeypatch.chdir(line[3:])
                continue
            main(words(line)[1:])
            out, err = capsys.readouterr()
            printed = {even(text) for text in f"{out}{err}".replace(str(tmp_path), "/home/ada").split("\n")}
            missing = [text for text in shown if text != LEFT_OUT and even(text) not in printed]
            assert missing == [], f"README: `{line}` prints something else:\n{out}{err}"
            done.append(words(line)[1])
    assert set(done) >= {"init", "new", "check", "build", "subscribers", "approve", "queue", "send", "status"}
    assert len(list((tmp_path / "my-letter" / ".newsletter" / "outbox").rglob("*.eml"))) == 3  # two readers, one test


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ((_, shown),) = next(runs(block) for block in chapter("Two commands") if block.language == "console")
    folder = tmp_path / "newsletter-demo-x"
    assert main(["demo", "--keep", str(folder)]) == 0
    out = capsys.readouterr().out.replace(str(tmp_path), "/tmp")
    printed = {even(line) for line in out.split("\n")}
    left_out = [line for line in shown if line.strip() != LEFT_OUT and "Kept in" not in line]
    assert [line for line in left_out if even(line) not in printed] == []
