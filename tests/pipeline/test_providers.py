"""Which provider a publication gets: ours, one of another package, and what is said where there is something wrong."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.delivery.protocol import Accepted, Message, Recipient, RecipientsRefused
from newsletter.errors import ConfigError
from newsletter.pipeline.providers import open_provider
from newsletter.publication import Publication, find_publication

HEAD = """
[publication]
name = "Test"
base_url = "https://test.example"
sender = "Test <test@test.example>"
postal_address = "Test, 1 Test Road, 10115 Berlin"
"""
ROOT = Path(__file__).parents[2]
THEIRS = """
import pytest
from contract import Contract, read
from newsletter.providers.outbox import Outbox


class TestTheirs(Contract):
    @pytest.fixture
    def provider(self, tmp_path):
        self.folder = tmp_path
        return Outbox(tmp_path)

    def arrived(self):
        return [read(file.read_bytes()) for file in sorted(self.folder.glob("*/*.eml"))]

    def gone(self):
        return None
"""
PAGE = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
SHOWN = PAGE.partition("```python\n")[2].partition("```")[0]  # the example of the page, as it stands there
PIGEON = f"{SHOWN}\n\ndef open_nothing(setup):\n    return object()\n"


@pytest.fixture
def publication(tmp_path: Path) -> Callable[[str], Publication]:
    def write(text: str) -> Publication:
        (tmp_path / "issues").mkdir(exist_ok=True)
        (tmp_path / "newsletter.toml").write_text(HEAD + text)
        return find_publication(tmp_path, tmp_path)

    return write


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a package with this module and these entry points, as pip would."""

    def put(points: str, package: str = "newsletter-pigeon", module: str = "pigeon_post", text: str = PIGEON) -> None:
        site = tmp_path / f"site-{package}"
        info = site / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[newsletter.providers]\n{points}\n")
        (site / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, module, raising=False)
        importlib.invalidate_caches()

    return put


Write = Callable[[str], Publication]
Install = Callable[..., None]
TOLD = '[provider]\nname = "pigeon"\n[provider.settings]\nloft = "east"\n'


def test_a_package_brings_a_provider_with_its_settings_and_secrets(
    publication: Write, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("pigeon = pigeon_post:open_pigeons")
    monkeypatch.setenv("PIGEON_KEY", "grain")
    with open_provider(publication(f'{TOLD}[provider.secrets]\napi_key = "PIGEON_KEY"\n')) as opened:
        provider = opened.provider
        key = vars(vars(provider)["_provider"])["key"]  # behind what keeps secrets out of its answers
        assert (provider.name, provider.account, key) == ("pigeon", "pigeon-east", "grain")
        post = provider.prepare(Message("a@x.example", "s", "h", "t"))
        assert post([Recipient("ada@x.example")], "k") == Accepted("east-k")
        assert post([Recipient("bo@sea.example")], "k") == RecipientsRefused({0: "no such roof"})


@pytest.mark.parametrize(
    ("points", "text", "words"),
    [
        (
            "pigeon = pigeon_gone:open",
            PIGEON,
            r"newsletter-pigeon: .*\(pigeon_gone:open\) cannot be opened: ModuleNotFou",
        ),
        ("pigeon = pigeon_post:gone", PIGEON, "newsletter-pigeon: .* cannot be opened: AttributeError"),
        ("pigeon = pigeon_post", "raise SystemExit(3)", "newsletter-pigeon: .* cannot be opened: SystemExit: 3"),
        ("pigeon = pigeon_post:open_pigeons", PIGEON.replace('["loft"]', '["tower"]'), "KeyError: 'tower'"),
        ("pigeon = pigeon_post:open_nothing", PIGEON, "newsletter-pigeon: .* lacks name, account, largest_batch"),
    ],
)
def test_what_is_wrong_with_a_package_names_it(
    publication: Write, install: Install, points: str, text: str, words: str
) -> None:
    install(points, text=text)
    with pytest.raises(ConfigError, match=words), open_provider(publication(TOLD)):
        pass


def test_two_packages_with_one_name_are_both_named(publication: Write, install: Install) -> None:
    install("pigeon = pigeon_post:open_pigeons")
    install("pigeon = other_post:open_pigeons", "other-pigeon", "other_post")
    with pytest.raises(ConfigError, match="newsletter-pigeon and other-pigeon both"), open_provider(publication(TOLD)):
        pass


def test_a_name_that_nobody_brings_is_told_with_those_that_there_are(publication: Write, install: Install) -> None:
    install("pigeon = pigeon_post:open_pigeons")
    with pytest.raises(
        ConfigError, match=r'newsletter.toml:8: provider.name: expected "autosend",.*"pigeon" or the name'
    ):
        publication('[provider]\nname = "dove"\n')


def test_a_secret_among_the_settings_is_refused_and_not_repeated(publication: Write) -> None:
    with pytest.raises(ConfigError, match='"server_token" sounds like a secret') as caught:
        publication('[provider]\nname = "anymail"\n[provider.settings]\nserver_token = "hush"\n')
    assert "hush" not in str(caught.value)


def test_a_secret_that_is_not_set_is_named(publication: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PM_TOKEN", raising=False)
    text = '[provider]\nname = "anymail"\nsettings = {service = "postmark"}\nsecrets = {server_token = "PM_TOKEN"}\n'
    with pytest.raises(ConfigError, match="PM_TOKEN is not set"), open_provider(publication(text)):
        pass


@pytest.mark.slow
def test_the_suite_for_providers_can_be_used_by_another_package(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"pythonpath={ROOT}/tests/providers"]
    done = subprocess.run(
        [*line, "test_theirs.py"],
        cwd=tmp_path,
        env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


FIRST = '[delivery]\nbatch_size = 50\n[provider]\nname = "outbox"\n'


def test_a_fallback_is_opened_beside_the_provider(publication: Write) -> None:
    with open_provider(publication(f'{FIRST}[fallback]\nname = "outbox"\noutbox_format = "mbox"\n')) as opened:
        assert opened.fallback is not None
        assert (opened.provider.name, opened.fallback.name) == ("outbox", "outbox")
    with open_provider(publication(FIRST)) as opened:
        assert opened.fallback is None


def test_a_fallback_must_take_a_whole_batch(publication: Write) -> None:
    told = publication(f'{FIRST}[fallback]\nname = "smtp"\nsmtp_host = "mail.example"\n')
    with pytest.raises(ConfigError, match=r"\[fallback\] smtp takes 1 readers a call"), open_provider(told):
        pass


def test_while_a_simulator_stands_in_nothing_leaves_through_the_fallback(
    publication: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOSEND_API_KEY", raising=False)
    with open_provider(publication('[fallback]\nname = "outbox"\n')) as opened:
        assert "the simulator took the mails" in opened.notice
        assert opened.fallback is None
