"""The public pages and their mails in the languages that the catalogues have: the publication's, else the reader's."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from sqlalchemy import update
from visiting import Visitor

from newsletter.audience.tokens import CONFIRM, MOVE, PREFERENCES
from newsletter.render.language import weeks_text
from newsletter.store.tables import subscribers
from newsletter.web.public.house import House
from newsletter.web.public.limits import Limits

LANGUAGES = ("ar", "de", "en", "es", "fa", "fr", "hi", "ja", "pt", "zh")
SAME = {"Website", "Pause", "Pages", "Archive", "Pausa", "email"}  # in several languages, or that nobody sees


def speak(town: Any, **languages: str) -> None:
    """Give readers, by name, a language of their own."""
    with town.store.transaction() as connection:
        for name, language in languages.items():
            who = subscribers.c.email_key == f"{name}@reader.example"
            connection.execute(update(subscribers).where(who).values(language=language))


def pages_of(house: House) -> dict[str, str]:
    """All pages that a reader may see, by a name of each."""
    visitor, signer = Visitor(house), house.signer
    settings = f"/preferences/{signer.token(PREFERENCES, 1)}"
    texts = {
        path: visitor.get(path).text
        for path in ("/", "/?q=zanzibar", "/?q=nothing", "/subscribe", "/subscribe/embed", "/unsubscribe/", "/no")
    }
    texts |= {
        "leave": visitor.get(f"/unsubscribe/{signer.unsubscribe_token(1)}").text,
        "left": visitor.get(f"/unsubscribe/{signer.unsubscribe_token(3)}").text,
        "test": visitor.get("/unsubscribe/test").text,
        "confirm": visitor.get(f"/confirm/{signer.token(CONFIRM, 1)}").text,
        "move": visitor.get(f"/move/{signer.token(MOVE, [1, 'x@y.example'])}").text,
        "settings": visitor.get(settings).text,
        "saved": visitor.post(settings, {"do": "save", "pause": "4"}).text,
        "unsure": visitor.post(settings, {"do": "erase"}).text,
        "no address": visitor.post("/subscribe", {"email": "x"}).text,
        "asked": visitor.post("/subscribe", {"email": "x@y.example"}).text,
        "lost": visitor.post("/unsubscribe/", {"email": "x@y.example"}).text,
    }
    return texts


def shown(page: str) -> str:
    """What a person reads of a page."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


def test_every_page_is_whole_in_every_language(town: Any) -> None:
    english = [text.split("%")[0].strip() for text in town.house.theme.words("en").texts]
    english = [text for text in english if len(text) > 4 and text not in SAME]
    for language in LANGUAGES:
        direction = "rtl" if language in ("ar", "fa") else "ltr"
        for name, page in pages_of(replace(town.house, limits=Limits()).speaking(language)).items():
            assert f'<html lang="{language}" dir="{direction}">' in page, name
            if language != "en":
                assert not [text for text in english if text in shown(page)], (language, name)


def test_a_publication_speaks_its_own_language(town: Any) -> None:
    toml = town.folder / "newsletter.toml"
    toml.write_text(toml.read_text().replace('name = "Plain & Test"', 'name = "Plain & Test"\nlanguage = "de-AT"'))
    from newsletter.publication import find_publication
    from newsletter.web.public.house import open_house

    house = open_house(find_publication(town.folder, town.folder), town.store, lambda: datetime.now(UTC))
    assert '<html lang="de-AT" dir="ltr">' in Visitor(house).get("/").text
    assert "Schauen Sie in Ihr Postfach" in Visitor(house).post("/subscribe", {"email": "x@y.example"}).text


def test_a_reader_is_spoken_to_in_their_own_language(town: Any) -> None:
    speak(town, ada="fr-CA", bo="tlh", cy="<script>")
    visitor, token = town.visitor, town.house.signer.unsubscribe_token
    assert '<html lang="fr-CA" dir="ltr">' in visitor.get(f"/unsubscribe/{token(1)}").text
    assert "Se désabonner" in visitor.get(f"/unsubscribe/{token(1)}").text
    for other in (2, 3):
        assert '<html lang="en" dir="ltr">' in visitor.get(f"/unsubscribe/{token(other)}").text
    visitor.post("/unsubscribe/", {"email": "ada@reader.example"})
    town.room.work_off()
    assert "Se désabonner de Plain & Test" in decoded(town.mails()[-1])


def test_mails_run_the_way_their_language_does(town: Any) -> None:
    speak(town, ada="fa")
    town.visitor.post("/subscribe", {"email": "ada@reader.example"})
    town.room.work_off()
    mail = decoded(town.mails()[-1])
    assert '<html lang="fa" dir="rtl">' in mail
    assert "شما Plain & Test را دریافت می‌کنید" in mail


def test_an_address_keeps_its_order_among_words_that_run_the_other_way(town: Any) -> None:
    page = Visitor(town.house.speaking("ar")).post("/subscribe", {"email": "x@y.example"}).text
    assert "\u2068x@y.example\u2069" in page
    assert "\u2068" not in town.visitor.post("/subscribe", {"email": "x@y.example"}).text


def test_a_pause_is_said_with_the_plural_and_the_days_of_the_language(town: Any) -> None:
    arabic, german = town.house.theme.words("ar"), town.house.speaking("de")
    assert [weeks_text(number, arabic) for number in (2, 4)] == ["أسبوعان", "4 أسابيع"]
    until = datetime(2031, 3, 5, 12, tzinfo=UTC)
    with town.store.transaction() as connection:
        connection.execute(update(subscribers).where(subscribers.c.id == 1).values(paused_until=until))
    page = Visitor(replace(german, now=lambda: until - timedelta(days=9)))
    assert "bis 5. März 2031" in page.get(f"/preferences/{town.house.signer.token(PREFERENCES, 1)}").text


def test_an_issue_in_another_language_says_so_in_the_list(town: Any) -> None:
    town.publish("one")
    assert '<bdi lang="en">About one</bdi>' in Visitor(town.house.speaking("de")).get("/").text
    assert "<bdi>About one</bdi>" in town.visitor.get("/").text


def decoded(mail: str) -> str:
    """A mail's subject and parts as people read them."""
    from email import message_from_string, policy

    message = message_from_string(mail, policy=policy.default)
    return "\n".join(
        [
            str(message["subject"]),
            *(part.get_content() for part in message.walk() if part.get_content_maintype() == "text"),
        ]
    )
