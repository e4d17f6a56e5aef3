"""Each provider keeps the contract."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from contract import SECRET, Arrived, Contract, read
from mailserver import MailServer, free_port, mail_server

from newsletter.delivery.protocol import Provider
from newsletter.providers.autosend import AutoSend
from newsletter.providers.outbox import Outbox
from newsletter.providers.smtp import Server, Smtp
from newsletter.simulator import Simulator, SimulatorOptions


class TestOutbox(Contract):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> Provider:
        self.folder = tmp_path / "outbox"
        return Outbox(self.folder)

    def arrived(self) -> list[Arrived]:
        return [read(file.read_bytes()) for file in sorted(self.folder.glob("*/*.eml"))]

    def gone(self) -> None:
        return None


class TestOutboxAsMbox(Contract):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> Provider:
        self.folder = tmp_path / "outbox"
        return Outbox(self.folder, mbox=True)

    def arrived(self) -> list[Arrived]:
        boxes = [mailbox.mbox(file, create=False) for file in sorted(self.folder.glob("*.mbox"))]
        mails = [bytes(mail) for box in boxes for mail in box]
        for box in boxes:
            box.close()
        return [read(mail) for mail in mails]

    def gone(self) -> None:
        return None


class TestAutoSend(Contract):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> Iterator[Provider]:
        with Simulator(SimulatorOptions(tmp_path, api_key=SECRET, rate=0)) as self.simulator:
            yield AutoSend(self.simulator.url, SECRET, honours_keys=True)

    def arrived(self) -> list[Arrived]:
        box = self.simulator.mailbox
        mails = [box.email(number) for number in range(len(box))]
        return [
            Arrived(m["to"]["email"], m["to"].get("name", ""), m["subject"], m["html"], m["text"], m["headers"])
            for m in mails
        ]

    def gone(self) -> Provider:
        return AutoSend(f"http://127.0.0.1:{free_port()}/v1", SECRET)


class TestSmtp(Contract):
    @pytest.fixture
    def provider(self) -> Iterator[Provider]:
        with mail_server() as self.server, closing(Smtp(self.at(self.server))) as provider:
            yield provider

    def at(self, server: MailServer) -> Server:
        return Server("127.0.0.1", server.port, security="none", timeout=10)

    def arrived(self) -> list[Arrived]:
        return [read(content) for content in self.server.mails]

    def gone(self) -> Provider:
        return Smtp(Server("127.0.0.1", free_port(), security="none", user="u", password=SECRET, timeout=5))
