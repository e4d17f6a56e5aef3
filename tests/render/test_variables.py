"""An edition's templates hold variables and nothing else that Handlebars reads; braces arrive as typed."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from newsletter.content.markdown.mergetags import PLAUSIBLE, Shield
from newsletter.render.fill import fill
from newsletter.render.merge import evaluate, reader_fields
from newsletter.render.variables import Variables
from newsletter.simulator.api import fill as handlebars

FIELDS = reader_fields("Ada", "ada@reader.example", "https://x.example/u")


def template_of(text: str) -> tuple[str, dict[str, str], Variables]:
    shield = Shield.for_sources([text])
    variables = Variables(shield, {"web_url": "https://x.example/a/"}, "issues/a.md")
    template = variables.template(shield.hide(text, 7))
    return template, {name: evaluate(source, FIELDS) for name, source in variables.sources.items()}, variables


def test_a_tag_becomes_a_variable_and_the_same_tag_the_same_one() -> None:
    template, values, _ = template_of('{{ name }}, {{name}} and {{ name | default("you") }}')
    assert template == "{{name}}, {{name}} and {{name_2}}"
    assert values == {"name": "Ada", "name_2": "Ada"}


def test_what_is_the_same_for_everybody_is_text() -> None:
    assert template_of("{{ web_url }}")[0] == "https://x.example/a/"


def test_an_unknown_tag_is_shown_as_typed_and_found_at_its_place() -> None:
    template, values, variables = template_of("Dear\n{{ nmae }}!")
    assert fill(template, values, html=False) == "Dear\n{{ nmae }}!"
    (finding,) = variables.findings
    assert (finding.rule, finding.place, finding.fix[:26]) == (
        "merge-tag-unknown",
        "issues/a.md:8:1",
        "did you mean {{ name }}?; ",
    )


def test_braces_beside_a_tag_stay_beside_it() -> None:
    for text in (
        "{{{ name }}",
        "\\{{ name }}",
        "}{{ name }}}",
        "{ {{ name }} }",
        "{{{{ name }}}}",
        "{{#if x}}{{/if}}",
        "{{>a}}",
    ):
        template, values, _ = template_of(text)
        shown = PLAUSIBLE.sub("Ada", text)
        assert fill(template, values, html=False) == shown
        assert handlebars(template, values) == shown


_SPECIAL = st.text(alphabet="{}\\ #x", max_size=12)


@given(st.lists(_SPECIAL | st.just("{{ name }}") | st.just("{{web_url}}"), max_size=6).map("".join))
def test_any_mixture_of_braces_and_tags_arrives_as_typed(text: str) -> None:
    template, values, _ = template_of(text)
    meant = PLAUSIBLE.sub(lambda m: {"name": "Ada", "web_url": "https://x.example/a/"}.get(m[1].strip(), m[0]), text)
    assert fill(template, values, html=False) == meant
    assert handlebars(template, values) == meant
    assert "{{" not in re.sub(r"(?<![{\\])\{\{\w+\}\}(?!\})", "", template)
