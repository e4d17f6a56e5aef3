"""`python scheduler.py [options]` is `newsletter scheduler run [options]`, in a bare checkout as well."""

import sys

from newsletter.__main__ import run

if __name__ == "__main__":
    sys.exit(run(["scheduler", "run", *sys.argv[1:]]))
