"""Links are tried on real servers on this machine, through a resolver that pretends that they are on the web."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from inspecting import inspection_of

from newsletter.check.known import Known, Outcome
from newsletter.check.live.guard import Guard, NotReachedError, is_public, look_up
from newsletter.check.live.probe import probe
from newsletter.check.live.trial import Manners, Memory, try_all
from newsletter.check.run import check
from newsletter.finding import Finding

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HEAD = "---\nsubject: A fine subject\npreheader: In a sentence\n---\n"
QUICK = Manners(timeout=2, deadline=10, pause=0, at_once=4)


@dataclass
class Web:
    """A web server on loopback and what it was asked; `guard` takes the hosts in `hosts` to it."""

    server: ThreadingHTTPServer
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    busiest: dict[str, int] = field(default_factory=dict)
    hosts: tuple[str, ...] = ("site.test", "other.test")

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def url(self, path: str, host: str = "site.test") -> str:
        return f"http://{host}:{self.port}{path}"

    def resolve(self, host: str, port: int) -> Sequence[str]:
        if host in self.hosts:
            return ["127.0.0.1"]
        if host == "inside.test":
            return ["203.0.114.9", "10.0.0.7"]
        if host in ("nobody.test", "www.iana.org"):
            raise NotReachedError("gone", f'there is no host "{host}"')
        return look_up(host, port)

    @property
    def guard(self) -> Guard:
        return Guard(frozenset(self.hosts), self.resolve)

    def paths(self, method: str) -> list[str]:
        return [path for verb, _, path in self.asked if verb == method]


@pytest.fixture
def web() -> Iterator[Web]:
    now = dict[str, int]()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            host = self.headers["Host"].partition(":")[0]
            with lock:
                made.asked.append((self.command, host, self.path))
                now[host] = now.get(host, 0) + 1
                made.busiest[host] = max(made.busiest.get(host, 0), now[host])
            try:
                self.act(self.path)
            finally:
                with lock:
                    now[host] -= 1

        def act(self, path: str) -> None:
            name, _, rest = path.lstrip("/").partition("/")
            if name == "no-head":
                return self.say(405 if self.command == "HEAD" else 200)
            if name == "drops-head" and self.command == "HEAD":
                return self.connection.close()
            if name == "slow":
                time.sleep(0.2)
            if name == "never":
                time.sleep(5)
            if name.isdigit():
                return self.say(int(name), rest)
            if path == "/page":
                return self.say(301, "/page/")
            if name == "loop":
                return self.say(302, "/loop")
            return self.say(200)

        def say(self, status: int, location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", unquote(location).replace("PORT", str(made.port)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Web(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def tried(web: Web, path: str, timeout: float = 2) -> Outcome:
    with web.guard.session() as session:
        return probe(session, web.url(path), timeout)


@pytest.mark.parametrize(
    ("path", "state", "detail"),
    [
        ("/", "fine", "answer 200"),
        ("/no-head", "fine", "answer 200"),
        ("/drops-head", "fine", "answer 200"),
        ("/404", "gone", "answer 404"),
        ("/410", "gone", "answer 410"),
        ("/403", "refused", "answer 403"),
        ("/429", "refused", "answer 429"),
        ("/500", "failing", "answer 500"),
        ("/302//fine", "fine", "answer 200"),
        ("/301//fine", "moved", "answer 200"),
        ("/301//302//fine", "fine", "answer 200"),
        ("/301//404", "gone", "answer 404"),
        ("/loop", "failing", "it leads on more than 10 times"),
        ("/302/ftp://site.test/", "failing", "it leads on to an address with ftp:"),
        ("/302/http://[", "failing", "it leads on to something that is no address"),
        ("/302/http://127.0.0.1:PORT/", "private", '"127.0.0.1" is not on the public web'),
        ("/302/http://[::ffff:127.0.0.1]:PORT/", "private", '"::ffff:127.0.0.1" is not on the public web'),
        ("/302/http://inside.test:PORT/", "private", '"inside.test" is not on the public web'),
        ("/302/http://2130706433:PORT/", "private", '"2130706433" is not on the public web'),
        ("/302/http://nobody.test/", "gone", 'there is no host "nobody.test"'),
    ],
)
def test_an_address_is_judged_by_its_answer(web: Web, path: str, state: str, detail: str) -> None:
    outcome = tried(web, path)
    assert (outcome.state, outcome.detail) == (state, detail)


def test_what_moved_for_good_says_where_it_went(web: Web) -> None:
    assert tried(web, "/301//new").final == web.url("/new")
    assert tried(web, "/301//301//new").state == "moved"


def test_a_page_that_only_gained_a_slash_has_not_moved(web: Web) -> None:
    assert tried(web, "/page").state == "fine"
    assert web.paths("HEAD") == ["/page", "/page/"]


def test_get_is_asked_only_where_head_did_not_satisfy(web: Web) -> None:
    tried(web, "/a")
    tried(web, "/no-head")
    assert (web.paths("HEAD"), web.paths("GET")) == (["/a", "/no-head"], ["/no-head"])


def test_a_private_address_is_never_even_asked(web: Web) -> None:
    strict = Guard(resolve=web.resolve)
    with strict.session() as session:
        outcome = probe(session, web.url("/"), 2)
    assert (outcome.state, web.asked) == ("private", [])


def test_a_server_that_does_not_answer_in_time_fails(web: Web) -> None:
    begin = time.monotonic()
    assert tried(web, "/never", 0.3) == Outcome("failing", "no answer within 0.3 s")
    assert time.monotonic() - begin < 3


def test_nobody_listening_fails() -> None:
    with Guard(frozenset({"localhost"})).session() as session:
        assert probe(session, "http://localhost:9/", 2).state == "failing"


def test_a_certificate_that_nobody_signed_is_told(web: Web, tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed, so there is no certificate to show")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=site.test"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    web.server.socket = context.wrap_socket(web.server.socket, server_side=True)
    web.server.handle_error = lambda *of: None  # type: ignore[method-assign] - the client hangs up
    with web.guard.session() as session:
        outcome = probe(session, web.url("/").replace("http:", "https:"), 5)
    assert outcome == Outcome("insecure", "its certificate is signed by nobody")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
     "ff02::1", "name", ""],
)  # fmt: skip
def test_addresses_of_private_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_one_host_is_asked_one_thing_at_a_time_and_hosts_are_asked_side_by_side(web: Web) -> None:
    urls = [web.url(f"/slow/{number}", host) for number in range(3) for host in web.hosts]
    begin = time.monotonic()
    outcomes = try_all([*urls, *urls], web.guard, QUICK)
    assert {outcome.state for outcome in outcomes.values()} == {"fine"}
    assert web.busiest == {"site.test": 1, "other.test": 1}
    assert time.monotonic() - begin < 6 * 0.2 + 0.5  # one after the other they would take 1.2 s and more
    assert len(web.asked) == 6


def test_what_time_does_not_allow_is_said_not_to_be_checked(web: Web) -> None:
    urls = [web.url("/fine", "other.test"), web.url("/never"), web.url("/after")]
    outcomes = try_all(urls, web.guard, Manners(timeout=5, deadline=0.5, pause=0, at_once=4))
    assert [outcomes[url].state for url in urls] == ["fine", "unchecked", "unchecked"]
    assert outcomes[urls[1]].detail == "time was up"


def test_without_any_network_no_link_is_called_dead(web: Web) -> None:
    url = "http://nobody.test/a"
    assert try_all([url], web.guard, QUICK)[url] == Outcome("unchecked", "there is no network")
    assert try_all([url, web.url("/")], web.guard, QUICK)[url].state == "gone"
    connected = replace(web, hosts=(*web.hosts, "www.iana.org"))
    assert try_all([url], connected.guard, QUICK)[url].state == "gone"


def test_what_came_out_is_remembered_for_a_while_and_bad_news_for_less(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state" / "links.json", timedelta(days=1))
    rows = {
        "a": Outcome("fine"),
        "b": Outcome("gone", "answer 404"),
        "c": Outcome("unchecked"),
        "d": Outcome("moved", "", "e"),
    }
    memory.write({url: (outcome, NOW) for url, outcome in rows.items()})
    assert set(memory.read(NOW)) == {"a", "b", "d"}
    assert memory.read(NOW)["d"] == (Outcome("moved", "", "e"), NOW)
    assert set(memory.read(NOW + timedelta(hours=2))) == {"a", "d"}
    assert memory.read(NOW + timedelta(hours=25)) == {}
    assert memory.read(NOW - timedelta(hours=1)) == {}, "a moment to come is not believed"
    assert [path.name for path in memory.path.parent.iterdir()] == ["links.json"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"a": 1}', '{"a": {"state": "great", "at": "2026-11-24T09:00+00:00"}}']
)
def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "links.json"
    file.write_text(content)
    assert Memory(file, timedelta(days=1)).read(NOW) == {}


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Memory(tmp_path / "file" / "links.json", timedelta(days=1)).write({"a": (Outcome("fine"), NOW)})


def findings(body: str, **outcomes: Outcome) -> list[Finding]:
    known = {f"https://{name}.example/x": outcome for name, outcome in outcomes.items()}
    return list(check(inspection_of(HEAD + body, known=Known(outcomes=known))))


@pytest.mark.parametrize(
    ("rule", "state"),
    [("link-dead", "gone"), ("link-failing", "failing"), ("link-certificate", "insecure"), ("link-moved", "moved"),
     ("link-private", "private"), ("link-unchecked", "refused"), ("link-unchecked", "unchecked")],
)  # fmt: skip
def test_what_came_out_is_a_finding_where_the_address_was_typed(rule: str, state: str) -> None:
    body = "Fine is [b](https://b.example/x).\n\nThis is [a][1], again [a][1].\n\n[1]: https://a.example/x\n"
    (finding,) = findings(body, a=Outcome(state, "a reason", "https://new.example/"), b=Outcome("fine"))
    assert (finding.rule, finding.line, finding.column) == (rule, 9, 6)


def test_links_that_were_not_checked_are_said_together() -> None:
    body = "[a](https://a.example/x) [b](https://b.example/x) [c](https://c.example/x)"
    late, offline = Outcome("unchecked", "time was up"), Outcome("unchecked", "offline")
    (finding,) = findings(body, a=late, b=late, c=Outcome("fine"))
    assert (finding.message, finding.line, finding.column) == ("2 links were not checked: time was up", 5, 5)
    assert findings(body, a=offline, b=offline, c=offline) == []


def test_a_dead_link_of_the_theme_has_no_line() -> None:
    inspection = inspection_of(HEAD + "Text")
    html = inspection.edition.html.replace("<h1>", '<h1><a href="https://a.example/x">All</a>')
    edition = replace(inspection.edition, html=html)
    known = Known(outcomes={"https://a.example/x": Outcome("gone", "answer 404")})
    (finding,) = check(replace(inspection, edition=edition, known=known))
    assert (finding.rule, finding.line) == ("link-dead", None)


def test_the_publications_own_pages_and_merge_tags_are_not_tried() -> None:
    body = "[a](https://plain-ai.example/b) [b](mailto:a@b.example) [c](#d) [e]({{ unsubscribe_url }}) www.f.example"
    inspection = inspection_of(HEAD + body)
    assert dict(inspection.addresses) == {"https://www.f.example": (5, 92)}


def test_the_memory_is_a_file_that_people_can_read(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "links.json", timedelta(days=1))
    memory.write({"https://a.example/": (Outcome("gone", "answer 404"), NOW)})
    row = json.loads(memory.path.read_text())["https://a.example/"]
    assert (row["state"], row["at"]) == ("gone", "2026-11-24T09:00:00+00:00")
