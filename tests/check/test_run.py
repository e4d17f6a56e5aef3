"""All rules together: settings, order, failures, real issues, and the page that explains them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspecting import SITE, TODAY, edition_of, inspection_of

from newsletter.check.inspection import Inspection
from newsletter.check.reference import as_markdown
from newsletter.check.registry import RULES, Hit, Rule, rule
from newsletter.check.run import check
from newsletter.content.reader import read_issue
from newsletter.errors import NewsletterError
from newsletter.finding import Severity

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
TEXT = "---\nsubject: A fine subject\n---\n[here](/a)\n\n[b](/c) http://d.example\n"


def ids(inspection: Inspection, chosen: dict[str, str]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity.value) for finding in check(inspection, chosen)]


def test_errors_come_first_then_the_place() -> None:
    findings = check(inspection_of(TEXT))
    assert [(finding.rule, finding.line) for finding in findings] == [
        ("link-relative", 4),
        ("link-relative", 6),
        ("link-text-vague", 4),
        ("preheader-missing", 1),
        ("link-insecure", 6),
    ]


def test_a_setting_changes_how_bad_it_is_or_switches_the_rule_off() -> None:
    chosen = {"link-relative": "info", "link-insecure": "error", "link-text-vague": "off", "preheader-missing": "off"}
    findings = ids(inspection_of(TEXT), chosen)
    assert findings == [("link-insecure", "error"), ("link-relative", "info"), ("link-relative", "info")]


def test_what_reading_noticed_can_be_set_as_well() -> None:
    inspection = inspection_of("---\nsubject: a\npreheader: b\nsubjekt: c\n---\nText")
    assert ids(inspection, {}) == [("front-matter-unknown-key", "warning")]
    assert ids(inspection, {"front-matter-unknown-key": "off"}) == []


def test_a_setting_for_a_rule_that_does_not_exist_is_an_error_with_a_guess() -> None:
    (finding,) = [
        each for each in check(inspection_of(TEXT), {"link-relativ": "off"}) if each.file == "newsletter.toml"
    ]
    assert (finding.rule, finding.severity, finding.fix) == (
        "check-unknown-rule", Severity.ERROR, 'did you mean "link-relative"?',
    )  # fmt: skip


def test_a_rule_that_fails_is_a_finding_and_the_others_are_still_heard() -> None:
    @rule("broken", "test", Severity.ERROR, "Broken", why="", source="", fix="")
    def broken(inspection: Inspection) -> Iterator[Hit]:
        yield Hit("seen before the failure")
        raise KeyError(inspection.issue.slug)

    findings = check(inspection_of(TEXT), rules=(broken, *RULES))
    (crash,) = [finding for finding in findings if finding.rule == "rule-crashed"]
    assert (crash.severity, "broken" in crash.message) == (Severity.WARNING, True)
    assert [finding.rule for finding in findings].count("link-relative") == 2


def test_rules_have_names_of_their_own_and_all_that_explains_them() -> None:
    assert not [name for name, count in Counter(each.id for each in RULES).items() if count > 1]
    for each in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", each.id)
        assert all((each.group, each.title, each.why, each.source, each.fix)), each.id


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="[]()!<>ahrefimgsc=\"'/ \n`#{}|:.-_*", max_size=120))
def test_no_rule_fails_whatever_an_issue_says(body: str) -> None:
    try:
        inspection = inspection_of(f"---\nsubject: a\n---\nx{body}")
    except NewsletterError:
        return
    lines = inspection.issue.body.split("\n")
    for finding in check(inspection):
        assert finding.rule != "rule-crashed", finding.message
        if finding.line and finding.column and finding.line >= inspection.issue.body_line:
            assert finding.column <= len(lines[finding.line - inspection.issue.body_line]) + 1


def test_the_page_about_the_rules_is_current() -> None:
    hint = "write it again: python -m newsletter.check.reference > docs/checks.md"
    assert PAGE.read_text(encoding="utf-8") == as_markdown(RULES), hint


def corpus() -> list[Path]:
    return sorted(path for path in CORPUS.rglob("*.m*") if path.name != "README.md")


@pytest.mark.shared
@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not on this machine")
def test_on_real_newsletters_no_rule_fails_and_few_speak() -> None:
    """What fired was read by hand: one link without https://, one `Topic TBD`, fifteen `here`; all were right."""
    issues = tuple(read_issue(path) for path in corpus())
    fired: Counter[Rule | str] = Counter()
    for issue in issues:
        fired.update(each.rule for each in check(Inspection(issue, edition_of(issue), SITE, TODAY, issues)))
    assert len(issues) == 41
    assert fired["rule-crashed"] == 0
    expected = {"link-relative": 1, "placeholder-text": 1, "link-text-vague": 15, "front-matter-date": 1}
    assert {name: fired[name] for name in expected} == expected
    assert not {"link-empty", "link-text-empty", "image-relative", "code-fence-open", "subject-repeated"} & set(fired)


@pytest.mark.shared
@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not on this machine")
def test_the_links_found_in_real_newsletters_are_those_of_their_emails() -> None:
    for path in corpus():
        issue = read_issue(path)
        inspection = Inspection(issue, edition_of(issue), SITE, TODAY)
        typed = Counter(unquote(link.target) for link in inspection.links)
        rendered = (str(target) for target in inspection.tree.xpath("//a/@href | //img/@src"))
        sent = Counter(unquote(target) for target in rendered if "{{" not in target)
        assert typed == sent, path.name
