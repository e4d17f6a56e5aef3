"""The data of caniemail.com: reduced to what rules need, and read again with the readers' shares of mail programs.

`caniemail.json` beside this module is made from the file `data/caniemail.json` of the npm package `caniemail` (MIT,
see NOTICE.md):

    npm pack caniemail@1.0.5 && tar xzf caniemail-1.0.5.tgz
    python -m newsletter.check.caniemail package/data/caniemail.json > newsletter/check/caniemail.json
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from newsletter.check.support import Feature, Support
from newsletter.errors import ConfigError

FILE = Path(__file__).parent / "caniemail.json"
# A rough guess, in per cent, for a list of private readers in Europe and North America; `[clients]` sets one's own.
SHARES = MappingProxyType({
    "apple-mail-ios": 32, "apple-mail-macos": 11, "gmail-desktop-webmail": 14, "gmail-android": 9, "gmail-ios": 6,
    "gmail-mobile-webmail": 1, "outlook-windows": 7, "outlook-outlook-com": 5, "outlook-ios": 2, "outlook-android": 2,
    "outlook-macos": 2, "yahoo-desktop-webmail": 3, "yahoo-ios": 1, "yahoo-android": 1, "samsung-email-android": 1,
    "thunderbird-windows": 1, "gmx-desktop-webmail": 1, "web-de-desktop-webmail": 1,
})  # fmt: skip


def reduce(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of each feature the title and a letter for each of `clients`, by the newest version that was tried.

    `y` is yes, `a` partly or with a bug, `n` no, `u` unknown.
    """
    answers = {row["slug"]: _answers(row["stats"]) for row in data["data"]}
    clients = sorted({client for row in answers.values() for client in row})
    features = {
        row["slug"]: [row["title"], "".join(answers[row["slug"]].get(client, "u") for client in clients)]
        for row in sorted(data["data"], key=lambda row: row["slug"])
    }
    return {"date": data["last_update_date"][:10], "clients": clients, "features": features}


def _answers(stats: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, str]:
    return {
        f"{family}-{platform}": list(versions.values())[-1][0]
        for family, platforms in stats.items()
        for platform, versions in platforms.items()
        if versions
    }


def read_support(shares: Mapping[str, float]) -> Support:
    """The data with these shares of clients (of any sum; none: the rough guess).

    Raises ConfigError for a client that the data does not know.
    """
    data = json.loads(FILE.read_text(encoding="utf-8"))
    features = {
        name: Feature(name, title, dict(zip(data["clients"], letters, strict=True)))
        for name, (title, letters) in data["features"].items()
    }
    for client in shares:
        if client not in data["clients"]:
            near = difflib.get_close_matches(client, data["clients"], n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(data['clients'])}"
            raise ConfigError(f'newsletter.toml: clients: there is no mail program "{client}"', hint)
    wanted = {client: share for client, share in (shares or SHARES).items() if share > 0}
    total = sum(wanted.values()) or 1
    return Support(features, data["date"], {client: share / total for client, share in wanted.items()})


if __name__ == "__main__":
    made = reduce(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print(json.dumps(made, ensure_ascii=False, indent=0))
