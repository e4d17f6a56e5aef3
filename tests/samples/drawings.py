"""Where the lines of a diagram end."""

import re

from newsletter.content.markdown.diagrams import columns, is_diagram


def fenced(markdown: str, language: str = "") -> list[str]:
    """What stands in the code fences with this language."""
    fences = re.findall(r"^```(\w*)\n(.*?)\n```$", markdown, re.M | re.S)
    return [code for name, code in fences if name == language]


def diagrams(markdown: str) -> list[str]:
    """The diagrams among the code fences."""
    return [code for code in fenced(markdown) if is_diagram(code)]


def right_edges(markdown: str) -> list[set[int]]:
    """For each diagram the columns in which its lines end: one, where its box is straight."""
    return [{columns(line) for line in drawing.split("\n")} for drawing in diagrams(markdown)]
