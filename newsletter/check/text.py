"""Rules about the words: what was to be filled in and was not, and the language they are in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import CONFIG_FILE, Hit, Rule, rule
from newsletter.finding import Severity

GROUP = "language"
# Capitals only, as a word of its own: Todoist, a to-do list and ticket names such as FIX-TODO are no placeholders.
# XXX behind a capitalised word is a number (Super Bowl XXX); “TODO list” and “TODO comments” speak of the thing.
_PLACEHOLDER = re.compile(
    r"""\b[A-Z][a-z]+\ XXX\b
    | (?P<mark>(?<![\w\-./:@#$]) (?:TODO|FIXME|TBD|TKTK|XXX) (?![\w\-/(]|\.\w)
        (?!\s+(?:lists?|comments?|items?|apps?|files?|notes?)\b))
    | (?P<field>\[(?:(?:the|your|a)\ )?(?:links?|image|picture|photo|url|name|first\ name|date|tk)\])
    | (?P<insert>[\[<({]\s*(?i:insert)\b[^\[\]<>(){}\n]{0,60}\b(?i:here)\s*[\])}>]
        | \bINSERT\ [A-Z ]{1,60}\bHERE\b
        | ^[ \t]*(?i:insert)\b[^.\n]{1,60}\b(?i:here)[ \t.…]*$)
    | (?P<latin>\b(?i:lorem\s+ipsum)\b(?!\s+(?i:dolor)))""",
    re.VERBOSE | re.MULTILINE,
)
_FILLER = re.compile(r"\blorem\s+ipsum\s+dolor\b", re.IGNORECASE)
# ISO 639-1, the two letter codes of languages.
_LANGUAGES = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st "
    "su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu".split()
)
_TAG = re.compile(r"(?P<language>[A-Za-z]{2,3})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?(?:-[A-Za-z0-9]{4,8})*")


@rule(
    "placeholder-text", GROUP, Severity.WARNING, "Text that was to be filled in",
    why="TODO, [link] and “insert … here” are notes of the author to themselves.",
    source="our own: TODO, FIXME, TBD, TKTK, XXX in capitals; [link], [image], [name] and their like; not in code",
    fix="fill it in, or take it out; in `code` it does not count",
)  # fmt: skip
def placeholder_text(inspection: Inspection) -> Iterator[Hit]:
    for match in _PLACEHOLDER.finditer(inspection.words):
        if match.lastgroup:
            yield Hit(f'"{match[0].strip()}" looks like a placeholder', *inspection.at(_start(match)))


@rule(
    "placeholder-filler", GROUP, Severity.ERROR, "Filler text",
    why="“Lorem ipsum dolor” stands where the text was to come.",
    source="our own: the filler's first three words",
    fix="write the text",
)  # fmt: skip
def placeholder_filler(inspection: Inspection) -> Iterator[Hit]:
    for match in _FILLER.finditer(inspection.words):
        yield Hit("this is filler text", *inspection.at(match.start()))


@rule(
    "placeholder-subject", GROUP, Severity.ERROR, "A subject that was to be filled in",
    why="The inbox shows subject, title and preheader to everybody, even to who does not open the email.",
    source="our own: as `placeholder-text`",
    fix="fill it in",
)  # fmt: skip
def placeholder_subject(inspection: Inspection) -> Iterator[Hit]:
    seen = set()
    for key in ("subject", "title", "subtitle", "preheader"):
        text = getattr(inspection.issue, key)
        found = _FILLER.search(text) or next((m for m in _PLACEHOLDER.finditer(text) if m.lastgroup), None)
        if found and text not in seen:
            seen.add(text)
            place = inspection.place(key, "title") if key == "subject" else inspection.place(key)
            yield Hit(f'"{found[0].strip()}" in the {key} looks like a placeholder', *place)


@rule(
    "language-unknown", GROUP, Severity.WARNING, "A language code that nobody knows",
    why="Screen readers choose the voice by it, and mail programs whether to offer a translation.",
    source="RFC 5646 (BCP 47); ISO 639-1; WCAG 2.2, success criterion 3.1.1 (A)",
    fix="write a code such as en, de or pt-BR",
)  # fmt: skip
def language_unknown(inspection: Inspection) -> Iterator[Hit]:
    code = inspection.issue.language or inspection.site.language
    match = _TAG.fullmatch(code)
    if match and (len(match["language"]) == 3 or match["language"].lower() in _LANGUAGES):
        return
    fix = f"did you mean {code.replace('_', '-')}?" if _TAG.fullmatch(code.replace("_", "-")) and "_" in code else ""
    message = f'"{code}" is no language code'
    if inspection.issue.language:
        yield Hit(message, *inspection.place("language", "lang"), fix)
    else:
        yield Hit(message, fix=fix, file=CONFIG_FILE)


LANGUAGE_WITHOUT_WORDS = Rule(
    "language-without-words", GROUP, Severity.WARNING, "A language that the theme has no words in",
    why="“Read online”, “Unsubscribe” and the dates stand in English around a text in another language.",
    source="our own: templates/default/words/ and templates/THEME/words/",
    fix="translate en.po to templates/THEME/words/LANGUAGE.po",
)  # fmt: skip


def _start(match: re.Match[str]) -> int:
    """Where the match starts, the white space before it left out."""
    return match.start() + len(match[0]) - len(match[0].lstrip())


RULES = (placeholder_text, placeholder_filler, placeholder_subject, language_unknown, LANGUAGE_WITHOUT_WORDS)
