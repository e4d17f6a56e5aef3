"""The few mails that the public pages cause: a paragraph and a link, which is all in which readers differ."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from newsletter.delivery.protocol import Message
from newsletter.render.language import direction
from newsletter.render.site import Site
from newsletter.render.words import Words

_LINK = "{{action_url}}"  # filled by the provider, as in an issue


@dataclass(frozen=True)
class Letter:
    """What a mail says: `before` the link, the `button`'s text, and `after` it."""

    subject: str
    before: str
    button: str
    after: str


def to_confirm(site: Site, _: Words) -> Letter:
    """Somebody signed this address up: is that so?"""
    return Letter(
        _("Confirm your subscription to %(name)s", name=site.name),
        _("Somebody, probably you, asked for %(name)s to be sent to this address. To get it, confirm:", name=site.name),
        _("Confirm my subscription"),
        _("If that was not you, do nothing: without the click no issue comes, and the request is forgotten."),
    )


def already_in(site: Site, _: Words) -> Letter:
    """Somebody signed up who reads already."""
    return Letter(
        _("You already get %(name)s", name=site.name),
        _("Somebody, probably you, signed this address up for %(name)s. It is on the list already.", name=site.name),
        _("See the archive"),
        _("If that was not you, do nothing: nothing has changed."),
    )


def to_leave(site: Site, _: Words) -> Letter:
    """A link to leave with."""
    return Letter(
        _("Unsubscribe from %(name)s", name=site.name),
        _("Here is the link that you asked for. It takes you off the list of %(name)s.", name=site.name),
        _("Unsubscribe"),
        _("If you did not ask for it, do nothing: nothing changes without the click."),
    )


def to_move(site: Site, _: Words) -> Letter:
    """A link, sent to a new address, that makes it the one to use."""
    return Letter(
        _("Your new address for %(name)s", name=site.name),
        _("A reader of %(name)s asked for it to come to this address from now on.", name=site.name),
        _("Use this address"),
        _("If that was not you, do nothing: nothing changes without the click."),
    )


def as_message(letter: Letter, site: Site, language: str) -> Message:
    """The mail for a provider, in the letter's language; the link is the variable `action_url`."""
    before, button, after, subject = map(_plain, (letter.before, letter.button, letter.after, letter.subject))
    postal = _plain(", ".join(line.strip() for line in site.postal_address.splitlines() if line.strip()))
    name = _plain(site.name)
    foot = postal if name in postal else f"{name}{', ' + postal if postal else ''}"
    text = f"{before}\n\n{_LINK}\n\n{after}\n\n-- \n{foot}\n"
    font, way = "font:17px/1.5 Georgia,serif", direction(language)
    html = (
        f'<!DOCTYPE html><html lang="{escape(language)}" dir="{way}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(subject)}</title></head>"
        f'<body style="margin:0;padding:24px;{font}">'
        f'<div lang="{escape(language)}" dir="{way}" style="max-width:560px;margin:0 auto">'
        f"<p>{escape(before)}</p>"
        f'<p><a href="{_LINK}" style="display:inline-block;padding:12px 20px;background:#0b5c6b;color:#fffefb;'
        f'border-radius:4px;font-weight:bold;text-decoration:none">{escape(button)}</a></p>'
        f"<p>{escape(after)}</p>"
        f'<p style="font-size:14px;color:#625d52">{escape(foot)}</p></div></body></html>\n'
    )
    return Message(
        sender=site.sender,
        subject=subject,
        html=html,
        text=text,
        reply_to=site.reply_to,
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834 section 5: no holiday note is to answer it
    )


def _plain(text: str) -> str:
    """`text` without the braces that a provider's template engine would read."""
    return text.translate({ord("{"): "(", ord("}"): ")"})
