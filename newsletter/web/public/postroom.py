"""Answers wishes with mails, one after the other, behind the page's back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from sqlalchemy import Connection

from newsletter.audience import consent
from newsletter.audience.addresses import Address, parse_address
from newsletter.audience.consent import Member
from newsletter.audience.erasure import sweep
from newsletter.audience.subscribers import State
from newsletter.audience.suppression import is_suppressed
from newsletter.audience.tokens import CONFIRM, MOVE
from newsletter.audience.wishes import Kind, Wish, due_wishes, fulfil, try_later
from newsletter.delivery.protocol import Accepted, Provider, Recipient, RecipientsRefused
from newsletter.pipeline.hooks import tell_hooks
from newsletter.web.public import letters
from newsletter.web.public.house import House
from newsletter.web.public.letters import Letter

A_DAY = timedelta(days=1)
MAILS_A_DAY = 3  # to one address, whoever asks for them
_MOST_TRIES = 8
_FIRST_WAIT = timedelta(seconds=30)
_TIDY_EVERY = 3600.0  # seconds
_TELL_EVERY = 5.0  # seconds


@dataclass
class PostRoom:
    """Works wishes off through a provider, until it is stopped."""

    house: House
    provider: Provider
    say: Callable[[str], None] = lambda _: None
    bell: threading.Event = field(default_factory=threading.Event)
    _stopping: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, also with what an earlier process left."""
        self._thread = threading.Thread(target=self._run, name="post room", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the mail in hand; the wishes that wait are for the next process."""
        self._stopping = True
        self.bell.set()
        if self._thread:
            self._thread.join()

    def work_off(self) -> int:
        """Answer the wishes that are due; how many there were."""
        with self.house.store.reading() as connection:
            wishes = due_wishes(connection, self.house.now(), 50)
        for wish in wishes:
            if self._stopping:
                break
            self._answer(wish)
        return len(wishes)

    def tidy(self) -> None:
        """Forget sign-ups that nobody confirmed in time, and empty what erased readers left in settled batches."""
        within = self.house.publication.config.public.confirm_within
        with self.house.store.transaction() as connection:
            gone = consent.drop_unconfirmed(connection, self.house.now() - within)
            sweep(connection)
        if gone:
            self.say(f"{gone} sign-up{'s' if gone != 1 else ''} forgotten: not confirmed in time")

    def _run(self) -> None:
        tidied, told = -_TIDY_EVERY, -_TELL_EVERY
        while not self._stopping:
            try:
                if monotonic() - tidied >= _TIDY_EVERY:
                    tidied = monotonic()
                    self.tidy()
                if self.work_off():
                    continue
                if monotonic() - told >= _TELL_EVERY:
                    told = monotonic()
                    tell_hooks(self.house.publication, self.house.store, self.house.now, self.say)
            except Exception as error:
                self.say(f"post room: {type(error).__name__}: {error}")
                self.bell.clear()
            self.bell.wait(5.0)
            self.bell.clear()

    def _answer(self, wish: Wish) -> None:
        with self.house.store.transaction() as connection:
            mail = self._mail_for(connection, wish)
            if mail is None:
                fulfil(connection, wish)
                return
        letter, link = mail
        post = self.provider.prepare(letters.as_message(letter, self.house.site))
        key = f"wish-{wish.id}-{wish.created_at:%Y%m%d%H%M%S%f}"
        outcome = post([Recipient(wish.email, "", {"action_url": link})], key)
        with self.house.store.transaction() as connection:
            if isinstance(outcome, Accepted | RecipientsRefused) or wish.tries + 1 >= _MOST_TRIES:
                fulfil(connection, wish)
            else:
                try_later(connection, wish, self.house.now() + _FIRST_WAIT * 2**wish.tries)
        if not isinstance(outcome, Accepted | RecipientsRefused):
            self.say(f"a mail about a {wish.kind} was not sent: {outcome.reason}")

    def _mail_for(self, connection: Connection, wish: Wish) -> tuple[Letter, str] | None:
        """The letter and its link; None for who must not be mailed, or was mailed often enough today."""
        address = parse_address(wish.email)
        member = consent.find(connection, email_key=address.key)
        about = wish.detail.get("member") if wish.kind is Kind.MOVE else member and member.id
        if is_suppressed(connection, address.key) or (about and self._often(connection, int(about), wish)):
            return None
        if wish.kind is Kind.JOIN:
            return self._to_join(connection, wish, address, member)
        if about and wish.tries == 0:
            consent.record(connection, int(about), "asked", f"link by mail: {wish.kind}", self.house.now())
        return self._to_leave(member) if wish.kind is Kind.LEAVE else self._to_move(address, about)

    def _to_join(
        self, connection: Connection, wish: Wish, address: Address, member: Member | None
    ) -> tuple[Letter, str]:
        site, words = self.house.site, self.house.words
        if wish.tries == 0 or member is None:
            language, now = str(wish.detail.get("language", "")), self.house.now()
            member = consent.ask(connection, address, name="", language=language, source="sign-up page", now=now)
        if member.state == State.ACTIVE:
            return letters.already_in(site, words), f"{site.base_url}/"
        return letters.to_confirm(site, words), f"{site.base_url}/confirm/{self.house.signer.token(CONFIRM, member.id)}"

    def _to_leave(self, member: Member | None) -> tuple[Letter, str] | None:
        if member is None or member.state != State.ACTIVE:
            return None
        token = self.house.signer.unsubscribe_token(member.id)
        return letters.to_leave(self.house.site, self.house.words), f"{self.house.site.base_url}/unsubscribe/{token}"

    def _to_move(self, address: Address, member: object) -> tuple[Letter, str]:
        token = self.house.signer.token(MOVE, [member, address.email])
        return letters.to_move(self.house.site, self.house.words), f"{self.house.site.base_url}/move/{token}"

    def _often(self, connection: Connection, number: int, wish: Wish) -> bool:
        return wish.tries == 0 and consent.asked_since(connection, number, self.house.now() - A_DAY) >= MAILS_A_DAY
