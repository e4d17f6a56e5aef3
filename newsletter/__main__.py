"""`python3 -m newsletter`: old Pythons must be able to read this file, to say that a newer one is needed.

So it keeps to what Python 3.6 reads; all else is in `newsletter.bootstrap`.
"""

import shutil
import sys

NEEDED = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def complaint(version, newer):  # type: (tuple[int, ...], str | None) -> str | None
    """Say in one line that Python is too old for Newsletter and what to do; None where it is not.

    `newer` is the name of a Python on this machine that may do.
    """
    if version[:2] >= NEEDED:
        return None
    needed, this = ".".join(map(str, NEEDED)), ".".join(map(str, version))
    or_try = f", or try: {newer} -m newsletter" if newer else ""
    return f"Newsletter needs Python {needed} or newer; this is {this}: install a newer Python{or_try}"


def run(argv=None):  # type: (list[str] | None) -> int
    """Run the command line `argv` (that of the process unless given) and return its exit code."""
    problem = complaint(tuple(sys.version_info[:3]), next(filter(shutil.which, NEWER), None))
    if problem:
        print(problem, file=sys.stderr)
        return 3
    from newsletter.bootstrap import start  # noqa: PLC0415  old Pythons cannot read it

    return start(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(run())
