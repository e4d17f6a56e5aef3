"""Moving in and out: nothing is lost, nothing is sent again, nothing is half-done."""

from __future__ import annotations

import csv
import errno
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from newsletter.check.live.guard import Guard
from newsletter.cli.main import main
from newsletter.errors import NewsletterError
from newsletter.moving.opening import open_source
from newsletter.pipeline.moving_in import fetch_pictures, move_in, plan_move
from newsletter.publication import Publication, find_publication
from newsletter.store.database import Store, open_store

EXPORTS = Path(__file__).resolve().parents[1] / "moving" / "exports"
TOML = """\
[publication]
name = "Keepers"
base_url = "https://keepers.example"
sender = "Keepers <post@keepers.example>"
postal_address = "Street 1, Town"
[schedule]
timezone = "Europe/Tallinn"
[links]
allow = ["pictures.test"]
"""
PNG = (EXPORTS / "jekyll" / "assets" / "tower.png").read_bytes()


@pytest.fixture
def publication(tmp_path: Path) -> Publication:
    folder = tmp_path / "keepers"
    (folder / "issues").mkdir(parents=True)
    (folder / "newsletter.toml").write_text(TOML, encoding="utf-8")
    return find_publication(folder)


@pytest.fixture
def store(publication: Publication) -> Iterator[Store]:
    opened = open_store("", publication.state)
    yield opened
    opened.close()


def run(capsys: pytest.CaptureFixture[str], publication: Publication, *words: str | Path) -> dict[str, object]:
    code = main([*map(str, words), "--json", "-C", str(publication.folder)])
    said: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return said | {"code": code}


def test_what_readers_have_is_in_the_archive_and_is_never_sent_again(
    publication: Publication, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run(capsys, publication, "import-site", EXPORTS / "substack", "--site", "https://keepers.substack.com")
    assert [issue["archived"] for issue in said["data"]["issues"]] == [True, True, False]  # type: ignore[index]
    refused = run(capsys, publication, "approve", "the-first-light")
    assert (refused["code"], refused["error"]["code"]) == (5, "refused")  # type: ignore[index]
    assert run(capsys, publication, "archive", "build", "-o", publication.folder / "site")["code"] == 0
    page = (publication.folder / "site" / "index.html").read_text(encoding="utf-8")
    assert "The first light, and the last" in page
    assert "5 March 2024" in page or "March 5, 2024" in page
    assert "Unfinished" not in page
    assert run(capsys, publication, "status")["data"]["broadcasts"] == []  # type: ignore[index]


def test_coming_twice_changes_nothing(publication: Publication, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(capsys, publication, "import-site", EXPORTS / "jekyll")
    before = {
        path: path.read_bytes() for path in publication.folder.rglob("*") if path.suffix in (".md", ".toml", ".png")
    }
    again = run(capsys, publication, "import-site", EXPORTS / "jekyll")
    after = {
        path: path.read_bytes() for path in publication.folder.rglob("*") if path.suffix in (".md", ".toml", ".png")
    }
    assert (len(first["data"]["issues"]), len(again["data"]["issues"])) == (3, 0)  # type: ignore[index]
    assert len(again["data"]["skipped"]) == 3  # type: ignore[index]
    assert after == before


def test_a_dry_run_writes_nothing(publication: Publication, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, publication, "import-site", EXPORTS / "hugo", "--dry-run")
    assert len(said["data"]["issues"]) == 2  # type: ignore[index]
    assert sorted(path.name for path in publication.folder.iterdir()) == ["issues", "newsletter.toml"]
    assert list(publication.issues.iterdir()) == []


def test_a_move_that_fails_in_the_middle_leaves_no_file(
    publication: Publication, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(EXPORTS / "jekyll")
    planned = plan_move(publication, source, "")
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name.startswith("003"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NewsletterError, match="No space left"):
        move_in(publication, store, source, planned)
    assert [path for path in publication.issues.rglob("*") if path.is_file()] == []


@pytest.fixture
def pictures() -> Iterator[tuple[Guard, str]]:
    """A web server that has one picture: the way to it, and its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/tower.png"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(PNG if found else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    addresses = {"pictures.test": ["127.0.0.1"]}
    guard = Guard(frozenset(addresses), lambda host, _port: addresses.get(host, [host]))
    yield guard, f"http://pictures.test:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_pictures_of_the_web_are_brought_home_and_those_that_are_gone_are_told(
    publication: Publication, store: Store, tmp_path: Path, pictures: tuple[Guard, str]
) -> None:
    guard, home = pictures
    export = tmp_path / "old"
    export.mkdir()
    body = f"![a]({home}/tower.png) ![b]({home}/gone.png) ![c](http://10.0.0.1/x.png)"
    (export / "2024-03-05-light.md").write_text(f"---\ntitle: Light\n---\n{body}\n", encoding="utf-8")
    source = open_source(export)
    planned, bodies, trouble = fetch_pictures(publication, plan_move(publication, source, ""), lambda *_: None, guard)
    move_in(publication, store, source, planned, bodies)
    text = (publication.issues / "001-light.md").read_text(encoding="utf-8")
    (name,) = bodies
    assert f"![a]({name}) ![b]({home}/gone.png)" in text
    assert (publication.issues / name).read_bytes() == PNG
    assert trouble[0] == f"{home}/gone.png: the server answered 404"
    assert trouble[1].startswith("http://10.0.0.1/x.png: ")


def read_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_who_leaves_takes_everything_along_and_could_come_back(
    publication: Publication, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, publication, "import-site", EXPORTS / "jekyll")
    run(capsys, publication, "subscribers", "add", "ada@reader.example", "--consent-source", "on paper")
    run(capsys, publication, "subscribers", "suppress", "bob@reader.example", "--reason", "legal")
    (publication.issues / "004-broken.md").write_text("---\nsubject: x\n", encoding="utf-8")
    out = tmp_path / "all"
    said = run(capsys, publication, "export-site", out)
    assert said["data"]["written"]["content/posts"] == 4  # type: ignore[index]
    subscribers, suppressed = (read_rows(out / name) for name in ("subscribers.csv", "suppressions.csv"))
    assert subscribers[1][0] == "ada@reader.example"
    assert suppressed[1][:2] == ["bob@reader.example", "legal"]
    assert "/wax/,https://keepers.example/bees/" in (out / "redirects.csv").read_text(encoding="utf-8")
    assert "<article>" in (out / "html" / "the-first-light.html").read_text(encoding="utf-8")
    assert (out / "content" / "posts" / "004-broken.md").exists()
    (out / "content" / "posts" / "004-broken.md").unlink()

    back = tmp_path / "back"
    (back / "issues").mkdir(parents=True)
    (back / "newsletter.toml").write_text(TOML, encoding="utf-8")
    again = find_publication(back)
    said = run(capsys, again, "import-site", out / "content" / "posts")
    issues = said["data"]["issues"]  # type: ignore[index]
    assert [(issue["slug"], issue["draft"]) for issue in issues] == [
        ("the-first-light", False),
        ("bees", False),
        ("fog", True),
    ]
    for name in ("001-the-first-light.md", "002-bees.md", "003-fog.md"):
        first, second = ((place.issues / name).read_text(encoding="utf-8") for place in (publication, again))
        assert second == first
    assert (again.issues / "images/the-first-light/tower.png").read_bytes() == PNG


def test_leaving_never_writes_over_anything(publication: Publication, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, publication, "export-site", publication.folder)
    assert said["code"] == 2
    assert sorted(path.name for path in publication.folder.iterdir() if path.name[0] != ".") == [
        "issues",
        "newsletter.toml",
    ]
