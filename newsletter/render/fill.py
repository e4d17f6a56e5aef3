"""Fill an edition's variables for one reader, where no provider does it: previews, test mails, the outbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

_VARIABLE = re.compile(r"\{\{[ \t]{0,8}([A-Za-z_]\w{0,99})[ \t]{0,8}\}\}", re.ASCII)


def fill(template: str, values: Mapping[str, str], *, html: bool) -> str:
    """`template` with each `{{variable}}` replaced by its value, HTML-escaped where `html`.

    A variable without a value becomes nothing, as Handlebars has it, so that an edition means the same at any provider.
    One pass: what a value holds is never expanded again. The bounds in the pattern keep it linear for any template.
    """

    def value(match: re.Match[str]) -> str:
        text = values.get(match[1], "")
        return escape(text) if html else text

    return _VARIABLE.sub(value, template)
