"""Who may ask: only this machine's browser, on this very page."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest

from newsletter.web.preview.guard import refusal
from preview.publications import Running

OURS = {"host": "127.0.0.1:8650"}
TOKEN = "a-token"


def status(preview: Running, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    """The answer to a request as a program sends it, with just these headers."""
    place = urlsplit(preview.url)
    assert place.hostname and place.port
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host=True)
    for name, value in ({"Host": place.netloc, "Content-Length": str(len(body))} | named).items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8650", "127.0.0.1", "127.0.0.1:80", "", "localhost.evil.example:8650"]
)
def test_a_name_that_is_not_ours_is_refused_whatever_is_asked(host: str) -> None:
    assert refusal("GET", {"host": host}, 8650, TOKEN)
    assert refusal("POST", {"host": host, "x-newsletter-token": TOKEN}, 8650, TOKEN)


@pytest.mark.parametrize("host", ["127.0.0.1:8650", "localhost:8650", "LOCALHOST:8650", "[::1]:8650"])
def test_our_own_names_are_answered(host: str) -> None:
    assert refusal("GET", {"host": host}, 8650, TOKEN) == ""


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost"])
def test_another_origin_is_refused_with_or_without_the_token(origin: str) -> None:
    assert refusal("POST", OURS | {"origin": origin, "x-newsletter-token": TOKEN}, 8650, TOKEN)
    assert refusal("GET", OURS | {"origin": origin}, 8650, TOKEN)


def test_a_page_elsewhere_may_link_here_but_not_load_from_here() -> None:
    cross = {"sec-fetch-site": "cross-site"}
    assert refusal("GET", OURS | cross | {"sec-fetch-mode": "no-cors"}, 8650, TOKEN)
    assert refusal("GET", OURS | cross | {"sec-fetch-mode": "navigate"}, 8650, TOKEN) == ""


@pytest.mark.parametrize("token", ["", "another", "a-tokem", "ä"])
def test_a_post_needs_this_starts_token(token: str) -> None:
    assert refusal("POST", OURS | {"x-newsletter-token": token}, 8650, TOKEN)
    assert refusal("POST", OURS | {"x-newsletter-token": TOKEN}, 8650, TOKEN) == ""


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_get_and_post_is_answered(method: str) -> None:
    assert refusal(method, OURS | {"x-newsletter-token": TOKEN}, 8650, TOKEN)


def test_the_running_preview_refuses_hostile_hosts_and_origins(preview: Running) -> None:
    assert status(preview, "GET", "/api/board")[0] == 200
    assert status(preview, "GET", "/api/board", Host="evil.example")[0] == 403
    assert status(preview, "GET", "/", Host="evil.example")[0] == 403
    assert status(preview, "GET", "/api/board", Origin="https://evil.example")[0] == 403
    words = json.dumps({"name": "001-one.md", "digest": ""})
    code, text = status(preview, "POST", "/api/do/approve", words, Content_Type="application/json")
    assert code == 403
    assert "token" not in text
    assert status(preview, "GET", "/api/do/approve")[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/..%2fapp.py",
        "/frame/..%2f..%2fnewsletter.toml",
        "/source/%2e%2e?of=html",
        "/share/x",
    ],
)
def test_no_path_leads_out_of_the_publication(preview: Running, path: str) -> None:
    code, text = status(preview, "GET", path)
    assert code in (404, 403)
    assert "import" not in text
    assert "sender" not in text


def test_a_page_may_load_from_here_only_and_a_frame_may_run_nothing(preview: Running) -> None:
    from urllib.request import urlopen

    with urlopen(preview.url) as answer:
        page = answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in page
    assert "unsafe" not in page
    with urlopen(f"{preview.url}frame/001-one.md") as answer:
        frame = answer.headers["content-security-policy"]
    assert "script-src" not in frame
    assert "default-src 'none'" in frame
    assert "sandbox allow-same-origin allow-popups" in frame
    assert "allow-scripts" not in frame
    assert "http" not in frame
    with urlopen(f"{preview.url}frame/001-one.md?images=shown") as answer:
        assert "img-src https:" in answer.headers["content-security-policy"]


def test_an_issue_that_changed_meanwhile_is_not_approved(preview: Running) -> None:
    from newsletter.clock import SystemClock
    from newsletter.errors import SafetyError
    from newsletter.publication import find_publication
    from newsletter.store.database import open_store
    from newsletter.web.preview.actions import act
    from newsletter.web.preview.workspace import Workspace

    publication = find_publication(preview.folder)
    store = open_store("", publication.state)
    workspace = Workspace(publication, store, SystemClock().now)
    with pytest.raises(SafetyError, match="changed while you were looking"):
        act(workspace, "approve", "001-one.md", "0" * 64, [])
    with pytest.raises(SafetyError, match="not among the test addresses"):
        act(workspace, "test", "001-one.md", workspace.proof("001-one.md").edition.digest, ["all@letters.example"])
    store.close()
