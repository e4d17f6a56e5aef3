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
from newsletter.audience.wishes import Kind, Wish, claim, due_wishes, fulfil, try_later
from newsletter.delivery.protocol import Accepted, Message, Provider, Recipient, RecipientsRefused
from newsletter.pipeline.hooks import tell_hooks
from newsletter.render.site import Site
from newsletter.render.words import Words
from newsletter.web.public import letters
from newsletter.web.public.house import House
from newsletter.web.public.letters import Letter

A_DAY = timedelta(days=1)
MAILS_A_DAY = 3  # to one address, whoever asks for them
_MOST_TRIES = 8
_FIRST_WAIT = timedelta(seconds=30)
_IN_HAND = timedelta(minutes=10)  # for one mail: then the process that took it is taken for dead
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
            if not claim(connection, wish, self.house.now() + _IN_HAND):
                return  # another process has it
            mail = self._mail_for(connection, wish)
            if mail is None:
                fulfil(connection, wish)
                return
        message, link = mail
        post = self.provider.prepare(message)
        key = f"wish-{wish.id}-{wish.created_at:%Y%m%d%H%M%S%f}"
        outcome = post([Recipient(wish.email, "", {"action_url": link})], key)
        with self.house.store.transaction() as connection:
            if isinstance(outcome, Accepted | RecipientsRefused) or wish.tries + 1 >= _MOST_TRIES:
                fulfil(connection, wish)
            else:
                try_later(connection, wish, self.house.now() + _FIRST_WAIT * 2**wish.tries)
        if not isinstance(outcome, Accepted | RecipientsRefused):
            self.say(f"a mail about a {wish.kind} was not sent: {outcome.reason}")

    def _mail_for(self, connection: Connection, wish: Wish) -> tuple[Message, str] | None:
        """The mail and its link; None for who must not be mailed, or was mailed often enough today."""
        address = parse_address(wish.email)
        member = consent.find(connection, email_key=address.key)
        about = wish.detail.get("member") if wish.kind is Kind.MOVE else member and member.id
        if is_suppressed(connection, address.key) or (about and self._often(connection, int(about), wish)):
            return None
        if wish.kind is Kind.JOIN:
            return self._to_join(connection, wish, address, member)
        if about and wish.tries == 0:
            consent.record(connection, int(about), "asked", f"link by mail: {wish.kind}", self.house.now())
        if wish.kind is Kind.LEAVE:
            return self._to_leave(member)
        return self._to_move(address, consent.find(connection, member=int(about or 0)))

    def _to_join(
        self, connection: Connection, wish: Wish, address: Address, member: Member | None
    ) -> tuple[Message, str]:
        site = self.house.site
        if wish.tries == 0 or member is None:
            language, now = str(wish.detail.get("language", "")), self.house.now()
            member = consent.ask(connection, address, name="", language=language, source="sign-up page", now=now)
        if member.state == State.ACTIVE:
            return self._written(letters.already_in, member), f"{site.base_url}/"
        token = self.house.signer.token(CONFIRM, member.id)
        return self._written(letters.to_confirm, member), f"{site.base_url}/confirm/{token}"

    def _to_leave(self, member: Member | None) -> tuple[Message, str] | None:
        if member is None or member.state != State.ACTIVE:
            return None
        token = self.house.signer.unsubscribe_token(member.id)
        return self._written(letters.to_leave, member), f"{self.house.site.base_url}/unsubscribe/{token}"

    def _to_move(self, address: Address, member: Member | None) -> tuple[Message, str] | None:
        if member is None or member.state != State.ACTIVE:
            return None
        token = self.house.signer.token(MOVE, [member.id, address.email])
        return self._written(letters.to_move, member), f"{self.house.site.base_url}/move/{token}"

    def _written(self, letter: Callable[[Site, Words], Letter], member: Member) -> Message:
        """The letter as a mail, in the reader's language."""
        house = self.house.for_reader(member)
        return letters.as_message(letter(house.site, house.words), house.site, house.language)

    def _often(self, connection: Connection, number: int, wish: Wish) -> bool:
        return wish.tries == 0 and consent.asked_since(connection, number, self.house.now() - A_DAY) >= MAILS_A_DAY
