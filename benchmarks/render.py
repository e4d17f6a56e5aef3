"""How long rendering takes, against bare markdown + premailer: `python -m benchmarks.render`.

Every contender has a process of its own, so that none uses what another has cached, and gets the same texts, a new one
each time, and the same style sheet. The rounds are interleaved: in each, everybody renders once, so that a busy moment
of the machine meets all of them. What is shown are medians of CPU time, and ratios of medians.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from statistics import median

from benchmarks.samples import LENGTHS, ROOT, issue_of
from benchmarks.table import table
from newsletter.content.issue import Issue

OURS, BARE, CSS_INLINE = "newsletter", "markdown + premailer", "markdown + css-inline"
Work = Callable[[Issue], object]


def ours() -> Work:
    """Our `render`: email, text part, web page and digest."""
    from newsletter.pipeline.desk import open_desk
    from newsletter.publication import find_publication

    return open_desk(find_publication(ROOT)).render


def bare() -> Work:
    """The two libraries as their README files have it: an email and nothing else."""
    import premailer

    css = _css()
    return lambda issue: premailer.transform(
        _page(issue.body), css_text=css, allow_network=False, cssutils_logging_level=100
    )


def with_css_inline() -> Work:
    """The same with css-inline, a library in Rust, in premailer's place."""
    import css_inline  # type: ignore[import-not-found]

    inliner = css_inline.CSSInliner(extra_css=_css(), load_remote_stylesheets=False)
    return lambda issue: inliner.inline(_page(issue.body))


CONTENDERS: Mapping[str, Callable[[], Work]] = {OURS: ours, BARE: bare, CSS_INLINE: with_css_inline}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables; with `--contender NAME LENGTH`, be one of the processes that are measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds of the shortest issue (default 15)")
    parser.add_argument("--contender", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.contender:
        _contend(*options.contender)
        return
    names = [name for name in CONTENDERS if name != CSS_INLINE or find_spec("css_inline")]
    if CSS_INLINE not in names:
        print("css-inline is not installed and left out; `pip install css-inline` adds it\n")
    rounds = dict(zip(LENGTHS, (options.rounds, options.rounds // 2, options.rounds // 4), strict=True))
    warm = {length: _measure(names, length, max(3, rounds[length]))[1] for length in LENGTHS}
    print(_show("warm: the process has rendered other issues before", warm))
    cold = {LENGTHS[0]: _cold(names, LENGTHS[0], max(3, options.rounds // 3))}
    print(_show("cold: a new process, imports included", cold))
    times = len(issue_of(LENGTHS[2]).body) / len(issue_of(LENGTHS[1]).body)
    growth = [[name, f"{warm[LENGTHS[2]][name] / warm[LENGTHS[1]][name]:.1f}"] for name in names]
    print(table([f"warm 400 KB / 40 KB; linear is {times:.1f}", "ratio"], growth))


def _measure(names: Sequence[str], length: str, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """The median seconds of each contender, cold (the first issue of a process) and warm (all but two)."""
    with ExitStack() as stack:
        measured = {name: stack.enter_context(_contender(name, length)) for name in names}
        seconds = [{name: measured[name](turn) for name in names} for turn in range(rounds + 2)]
    return seconds[0], _medians(seconds[2:])


def _cold(names: Sequence[str], length: str, rounds: int) -> dict[str, float]:
    return _medians([_measure(names, length, 0)[0] for _ in range(rounds)])


@contextmanager
def _contender(name: str, length: str) -> Iterator[Callable[[int], float]]:
    """One contender in a process: it waits for the number of an issue, and answers with the seconds of CPU it took."""
    call = [sys.executable, "-m", "benchmarks.render", "--contender", name, length]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin and process.stdout
        questions, answers = process.stdin, process.stdout

        def ask(turn: int) -> float:
            print(turn, file=questions, flush=True)
            return float(answers.readline())

        yield ask
        questions.close()


def _contend(name: str, length: str) -> None:
    work: Work | None = None
    for line in sys.stdin:
        issue = issue_of(length, int(line))
        start = time.process_time()
        work = work or CONTENDERS[name]()
        work(issue)
        print(time.process_time() - start, flush=True)


def _medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(seconds[name] for seconds in rounds) for name in rounds[0]} if rounds else {}


def _show(title: str, seconds: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        [f"{length}, {name}", f"{value * 1000:.1f}", f"{value / found[BARE]:.2f}"]
        for length, found in seconds.items()
        for name, value in found.items()
    ]
    return table([title, "ms", f"/ {BARE}"], rows) + "\n"


def _page(body: str) -> str:
    import markdown

    made = markdown.markdown(body, extensions=["extra", "sane_lists"])
    return f'<html><head><title>T</title></head><body class="page"><div class="sheet">{made}</div></body></html>'


def _css() -> str:
    return (ROOT / "templates/default/email.css").read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
