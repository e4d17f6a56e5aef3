"""Mails as files: whole calls, once each."""

from __future__ import annotations

import resource
import subprocess
import sys
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from newsletter.delivery.protocol import Accepted, Blocked, Message, Recipient, RecipientsRefused
from newsletter.providers.outbox import Outbox

MESSAGE = Message(
    "Plain AI <hello@plain-ai.example>",
    "Hi {{name}}",
    "<p>{{name}} <a href='{{unsubscribe_url}}'>leave</a></p>",
    "{{name}}: 5 > 3",
    "editors@plain-ai.example",
    {"List-Unsubscribe": "<{{unsubscribe_url}}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)
ANNA = Recipient("anna@example.org", "Anna", {"name": "Anna & <b>", "unsubscribe_url": "https://x.example/u/abc.d-_"})
BO = Recipient("bo@example.org", "", {"name": "Bö", "unsubscribe_url": "https://x.example/u/b"})


def read(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_each_reader_gets_a_file_of_their_own(tmp_path: Path) -> None:
    assert Outbox(tmp_path / "outbox").prepare(MESSAGE)([ANNA, BO], "nl-1") == Accepted("nl-1")
    files = sorted((tmp_path / "outbox" / "nl-1").iterdir())
    assert [file.name for file in files] == ["001-anna@example.org.eml", "002-bo@example.org.eml"]
    mail = read(files[0])
    assert (mail["Subject"], mail["To"], mail["From"]) == (
        "Hi Anna & <b>",
        "Anna <anna@example.org>",
        "Plain AI <hello@plain-ai.example>",
    )
    assert (mail["Reply-To"], mail["List-Unsubscribe"]) == ("editors@plain-ai.example", "<https://x.example/u/abc.d-_>")
    assert text_of(mail, "plain").strip() == "Anna & <b>: 5 > 3"
    assert "<p>Anna &amp; &lt;b&gt; <a href='https://x.example/u/abc.d-_'>" in text_of(mail, "html")
    assert text_of(read(files[1]), "plain").startswith("Bö:")


def test_a_repeat_under_the_same_key_writes_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.prepare(MESSAGE)([ANNA], "nl-1")
    file = next((tmp_path / "nl-1").iterdir())
    before = file.stat()
    assert Outbox(tmp_path).prepare(MESSAGE)([ANNA], "nl-1") == Accepted("nl-1")
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert [path.name for path in tmp_path.iterdir()] == ["nl-1"]
    assert outbox.honours_keys


def test_addresses_and_names_cannot_leave_the_folder_or_add_headers(tmp_path: Path) -> None:
    readers = [
        Recipient("../../etc/passwd@x.example", "a\r\nBcc: all@x.example"),
        Recipient("groesse@x.example", 'Q "uote" \\'),
        Recipient(f"{'l' * 64}@{'d' * 200}.example", "", {"name": "n\r\nBcc: all@x.example"}),
    ]
    assert isinstance(Outbox(tmp_path).prepare(MESSAGE)(readers, "nl-1"), Accepted)
    files = sorted((tmp_path / "nl-1").iterdir())
    assert [file.name[:20] for file in files] == ["001-_.._etc_passwd@x", "002-groesse@x.exampl", "003-" + "l" * 16]
    mails = [read(file) for file in files]
    assert all(mail["Bcc"] is None for mail in mails)
    assert mails[1]["To"].addresses[0].display_name == "Q ”uote” \\"
    assert mails[2]["Subject"] == "Hi n Bcc: all@x.example"


def test_what_is_no_address_is_named_and_nobody_is_taken(tmp_path: Path) -> None:
    readers = [ANNA, Recipient("nobody"), Recipient("größe@x.example"), Recipient("a@x.example\r\nBcc: b@x.example")]
    assert Outbox(tmp_path).prepare(MESSAGE)(readers, "nl-1") == RecipientsRefused(
        dict.fromkeys((1, 2, 3), "this is no address")
    )
    assert list(tmp_path.iterdir()) == []


def test_a_message_that_no_mail_can_be_is_a_persons_matter(tmp_path: Path) -> None:
    message = Message("nobody", "s", "h", "t")
    assert isinstance(Outbox(tmp_path).prepare(message)([ANNA], "nl-1"), Blocked)


@pytest.mark.parametrize("key", ["", "../x", "a/b", ".hidden", "x" * 200])
def test_a_key_that_is_no_folders_name_is_refused(tmp_path: Path, key: str) -> None:
    assert isinstance(Outbox(tmp_path).prepare(MESSAGE)([ANNA], key), Blocked)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_nobody_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = Outbox(tmp_path / "file" / "outbox").prepare(MESSAGE)([ANNA], "nl-1")
    assert isinstance(outcome, Blocked)
    assert "cannot be written: Not a directory" in outcome.reason


def test_on_a_full_disk_nobody_is_taken_and_a_repeat_works_later(tmp_path: Path) -> None:
    big = Message("a@x.example", "s", "<p>" + "x" * 5000, "t")
    post, before = Outbox(tmp_path).prepare(big), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        outcome = post([ANNA, BO], "nl-1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(outcome, Blocked)
    assert list(tmp_path.iterdir()) == []
    assert post([ANNA, BO], "nl-1") == Accepted("nl-1")
    assert len(list((tmp_path / "nl-1").iterdir())) == 2


KILLED = """
import os, sys
from pathlib import Path
from newsletter.delivery.protocol import Message, Recipient
from newsletter.providers import outbox
left, real = int(sys.argv[2]), os.fsync
def fsync(descriptor):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    real(descriptor)
os.fsync = fsync
readers = [Recipient(f"r{n}@x.example") for n in range(3)]
outbox.Outbox(Path(sys.argv[1])).prepare(Message("a@x.example", "s", "h", "t"))(readers, "nl-1")
"""


@pytest.mark.parametrize(("syncs", "taken"), [(0, False), (2, False), (3, False), (4, True)])
def test_a_kill_leaves_a_whole_call_or_none(tmp_path: Path, syncs: int, taken: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(syncs)], cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == -9
    assert (tmp_path / "nl-1").is_dir() is taken
    message = Message("a@x.example", "s", "h", "t")
    readers = [Recipient(f"r{n}@x.example") for n in range(3)]
    assert Outbox(tmp_path).prepare(message)(readers, "nl-1") == Accepted("nl-1")
    assert len(list((tmp_path / "nl-1").iterdir())) == 3
