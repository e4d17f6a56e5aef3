"""The licences of what a plain install brings, as `docs/licences.md`: `python tests/docs/licences.py` prints it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from pages import ROOT

_HEAD = """\
# Licences

Newsletter is under the [MIT licence](../LICENSE). A plain install brings these packages, each under its own; none of
them is changed or copied into the repository. What our copy of the caniemail.com data is under is told in
[NOTICE.md](../newsletter/check/NOTICE.md).

The bill of materials of a checkout, for those who need one (CycloneDX):

```
cyclonedx-py requirements requirements.lock --pyproject pyproject.toml -o sbom.json
```

| package | version | licence |
|---|---|---|
"""
_PINNED = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)
_ELSEWHERE = {"colorama": "BSD-3-Clause"}  # only installed on Windows


def locked() -> dict[str, str]:
    """Name and version of each package in `requirements.lock`."""
    return dict(_PINNED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")))


def as_markdown() -> str:
    """The page, from what the installed packages say about themselves."""
    return _HEAD + "".join(f"| {name} | {version} | {licence} |\n" for name, version, licence in _rows())


def _rows() -> Iterator[tuple[str, str, str]]:
    for name, version in locked().items():
        try:
            yield name, version, _licence(metadata(name))
        except PackageNotFoundError:
            yield name, version, _ELSEWHERE[name]


def _licence(facts: PackageMetadata) -> str:
    """As an SPDX expression where the package has one (PEP 639), else in the older fields' words."""
    told = [facts.get("License-Expression"), facts.get("License")]
    classified = [line.split(" :: ")[-1] for line in facts.get_all("Classifier", []) if line.startswith("License ::")]
    return next((words for words in (*told, *classified) if words and len(words) < 60), "see the package")


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
