"""What a glossary says, and what it cannot mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.content.glossary import Term, read_glossary
from newsletter.errors import ContentError

TOKEN = Term("token", "A piece of text.", "https://example.org/token")


def write(folder: Path, text: str, name: str = "glossary.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def error(folder: Path, text: str, name: str = "glossary.toml") -> ContentError:
    with pytest.raises(ContentError) as caught:
        read_glossary(write(folder, text, name))
    return caught.value


def test_a_publication_without_glossary_has_no_terms(tmp_path: Path) -> None:
    assert read_glossary(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "\ufeff\n \n", "# nothing yet\n"])
@pytest.mark.parametrize("name", ["glossary.toml", "glossary.yaml"])
def test_a_glossary_may_be_empty(tmp_path: Path, text: str, name: str) -> None:
    assert read_glossary(write(tmp_path, text, name)) == {}


def test_toml_and_yaml_say_the_same_in_both_forms(tmp_path: Path) -> None:
    toml = (
        'LLM = "A large language model."\n[token]\ndefinition = "A piece of text."\nurl = "https://example.org/token"\n'
        '["context window"]\nterm = "Context window"\ndefinition = """What fits\non the desk."""\n'
    )
    yaml = (
        "LLM: A large language model.\ntoken:\n  definition: A piece of text.\n  url: https://example.org/token\n"
        "context window:\n  term: Context window\n  definition: What fits\n    on the desk.\n"
    )
    wanted = {
        "LLM": Term("LLM", "A large language model."),
        "token": TOKEN,
        "context window": Term("Context window", "What fits on the desk."),
    }
    folders = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    for folder, text, name in zip(folders, (toml, yaml, yaml), ("toml", "yaml", "yml"), strict=True):
        folder.mkdir()
        read = read_glossary(write(folder, text, f"glossary.{name}"))
        assert dict(read) == wanted
        assert list(read) == list(wanted)


def test_a_definition_is_the_text_that_was_typed(tmp_path: Path) -> None:
    read = read_glossary(write(tmp_path, "no: yes\n1.0: '#1: a number'\nratio: 10:30\n", "glossary.yaml"))
    assert {key: term.definition for key, term in read.items()} == {
        "no": "yes",
        "1.0": "#1: a number",
        "ratio": "10:30",
    }


@pytest.mark.parametrize("key", ["url", "URL", "definition", "term"])
def test_the_name_of_a_key_can_be_a_term_too(tmp_path: Path, key: str) -> None:
    read = read_glossary(write(tmp_path, f"{key}:\n  definition: A word.\n", "glossary.yaml"))
    assert read == {key: Term(key, "A word.")}


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        ('a = "x"\n\n[token]\nurl = "https://e.org"\n', 3, "token: the definition is missing", "say what it means"),
        ('[token]\ndefinition = " "\n', 1, "token: the definition is missing", ""),
        ('[token]\ndefinition = "x"\ndefinitoin = "y"\n', 3, 'unknown key "definitoin"', 'did you mean "definition"?'),
        ('[token]\ndefinition = "x"\ncolour = "y"\n', 3, 'unknown key "colour"', "known keys: definition, url, term"),
        ('[token]\ndefinition = "x"\nurl = "example.org"\n', 3, '"example.org" is no web address', "https://"),
        ('[token]\ndefinition = "x"\nurl = "javascript:alert(1)"\n', 3, "is no web address", "https://"),
        ('token = "x"\n["Token"]\ndefinition = "y"\n', 2, "explained twice, first on line 1", "keep one"),
        ('a = "x"\n[b]\ndefinition = "y"\nterm = "A"\n', 2, "explained twice, first on line 1", "keep one"),
        ('[GPT-4.5]\ndefinition = "x"\n', 1, 'GPT-4: unknown key "5"', '["GPT-4.5"]'),
        ("a = 5\n", 1, "a: expected a text in quotes", 'a = "…"'),
        ('[token]\ndefinition = ["x"]\n', 2, "token.definition: expected a text in quotes", ""),
        ('[[token]]\ndefinition = "x"\n', 1, "token: expected a text in quotes", ""),
        ('a = "x"\n\ncontext window = "y"\n', 3, "not valid TOML", '["context window"]'),
        ('a = "x"\nb = "open', 2, "not valid TOML", "quotes"),
        ('"" = "x"\n', 1, "a term without a name", ""),
    ],
)
def test_what_cannot_be_meant_names_the_line(tmp_path: Path, text: str, line: int, words: str, hint: str) -> None:
    caught = error(tmp_path, text)
    assert caught.message.startswith(f"{tmp_path / 'glossary.toml'}:{line}: ")
    assert words in caught.message
    assert hint in caught.hint


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("token: A piece # of text\n", 1, "as a comment"),
        ("token: [a, b]\n", 1, "found a list"),
        ("token:\n  definition: x\n  url: [a]\n", 3, "token.url: expected a text, found a list"),
        ("token:\n  definition: x\n  definition: y\n", 3, 'the key "definition" stands twice'),
        ("token: x\ntoken: y\n", 2, "explained twice, first on line 1"),
        ("- token\n- prompt\n", 1, 'expected "key: value"'),
        ("token: x\nprompt:\n", 2, "prompt: the definition is missing"),
        ("a: &b x\n", 1, "anchors"),
    ],
)
def test_yaml_is_held_to_the_same(tmp_path: Path, text: str, line: int, words: str) -> None:
    caught = error(tmp_path, text, "glossary.yaml")
    assert caught.message.startswith(f"{tmp_path / 'glossary.yaml'}:{line}: ")
    assert words in caught.message


def test_two_glossaries_are_one_too_many(tmp_path: Path) -> None:
    write(tmp_path, 'a = "x"\n')
    assert "there is glossary.toml as well" in error(tmp_path, "a: x\n", "glossary.yml").message


@pytest.mark.parametrize(
    ("data", "words"), [(b'a = "x"\nb = "caf\xe9"\n', ":2: the file is not UTF-8"), (b"\xff\xfea\x00", "UTF-16")]
)
def test_a_glossary_that_is_no_utf8_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "glossary.toml").write_bytes(data)
    with pytest.raises(ContentError, match=words):
        read_glossary(tmp_path)


@pytest.mark.parametrize("name", ["glossary.toml", "glossary.yaml"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="ab\"'[]{}=:.#|-\n é", max_size=60))
def test_any_text_is_a_glossary_or_an_error_for_people(tmp_path: Path, name: str, text: str) -> None:
    try:
        assert all(term.definition for term in read_glossary(write(tmp_path, text, name)).values())
    except ContentError as caught:
        assert caught.message.startswith(str(tmp_path / name))
