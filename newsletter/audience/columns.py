"""What the columns of other programs' lists mean: Mailchimp, Substack, Ghost, Buttondown, beehiiv, and plain ones.

A column is known by its name alone, whatever its case, spaces and underscores. Columns that mean nothing here (network
addresses, places, payments) are not taken over, unless the caller names them as fields.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from newsletter.audience.subscribers import State

_NAMES = {
    "email": ("email", "emailaddress", "mail", "subscriberemail", "address"),
    "name": ("name", "fullname", "subscribername"),
    "first": ("firstname", "givenname", "fname"),
    "last": ("lastname", "familyname", "surname", "lname"),
    "state": ("state", "status", "subscriptionstatus", "subscriberstatus", "subscribertype", "type"),
    "language": ("language", "lang", "locale"),
    "timezone": ("timezone", "tz"),
    "tags": ("tags", "tag", "labels"),
    "consent_source": ("consentsource", "source", "optinsource", "subscriptionsourcefree", "acquisitionsource"),
    "consent_at": (
        *("consentat", "consentdate", "confirmtime", "optintime", "subscribedat", "createdat", "joined", "startdate"),
        *("creationdate", "created", "subscribedate"),
    ),
    "fields": ("fields",),
    "willing": ("subscribedtoemails",),  # Ghost: false is who wants no mail
    "unwilling": ("emaildisabled",),  # Substack: true is who wants no mail
    "measured": ("measured",),  # ours: `no` is who does not want to be counted
    "left_at": ("unsubtime", "unsubscribedat", "unsubscriptiondate", "deletedat"),  # Mailchimp, Buttondown, Ghost
    "cleaned_at": ("cleantime",),  # Mailchimp
}
ROLES = {name: role for role, names in _NAMES.items() for name in names}
_STATES = {
    State.PENDING: ("pending", "unconfirmed", "unverified", "unactivated", "validating"),
    State.ACTIVE: (
        *("", "active", "subscribed", "confirmed", "enabled", "free", "paid", "true", "yes", "regular", "premium"),
        *("comp", "gift", "gifted", "founding", "author", "subscriber", "trialed", "churning", "pastdue"),
    ),
    State.UNSUBSCRIBED: ("unsubscribed", "inactive", "removed", "optedout", "false", "no", "churned", "paused"),
    State.BOUNCED: ("bounced", "cleaned", "hardbounced", "undeliverable", "invalid"),
    State.COMPLAINED: ("complained", "spam", "spamcomplaint", "complaint", "spammy"),
}
_STATE_OF = {word: state for state, words in _STATES.items() for word in words}
_YES = ("true", "1", "yes", "t")


def plain(name: str) -> str:
    """A column's name without what programs write differently."""
    return "".join(char for char in name.lower() if char.isalnum())


def roles_of(header: Sequence[str], fields: Collection[str] = ()) -> list[str]:
    """What each column is: one of our columns, `field.NAME` for one to keep, empty for one to leave out.

    Of two columns for one thing the first that a program names better wins: CONFIRM_TIME over OPTIN_TIME.
    """
    wanted = {plain(name): name for name in fields}
    roles = [_role(name.strip(), wanted) for name in header]
    for role in set(roles) - {""}:
        places = [place for place, found in enumerate(roles) if found == role]
        best = min(places, key=lambda place: _rank(role, header[place]))
        for place in places:
            roles[place] = role if place == best else ""
    return roles


def state_of(cells: Mapping[str, str]) -> State:
    """The consent that a line tells of; raises ValueError for a word that nobody knows."""
    found = [_state(cells.get("state", ""))]
    if cells.get("left_at") or cells.get("unwilling", "").lower() in _YES:
        found.append(State.UNSUBSCRIBED)
    if cells.get("willing") and cells["willing"].lower() not in _YES:
        found.append(State.UNSUBSCRIBED)
    if cells.get("cleaned_at"):
        found.append(State.BOUNCED)
    return found[0] if len(found) == 1 else max(found, key=lambda one: one.weight)


@lru_cache(maxsize=256)
def _state(text: str) -> State:
    state = _STATE_OF.get(plain(text))
    if state is None:
        raise ValueError(f'unknown state "{text[:40]}", expected one of: {", ".join(State)}')
    return state


def tags_of(value: object) -> list[str]:
    """The tags in one cell: `beta, vip`, `beta;vip`, `"beta","vip"` as Mailchimp has it, or a JSON list."""
    if isinstance(value, list):
        return [str(word) for word in value]
    text = str(value or "").strip()
    if text.startswith("["):
        try:
            words: Any = json.loads(text)
        except (ValueError, RecursionError):
            words = None
        if isinstance(words, list):
            return [str(word) for word in words]
    return [word.strip().strip('"') for word in text.replace(";", ",").split(",")]


def _role(name: str, wanted: Mapping[str, str]) -> str:
    if plain(name) in wanted:
        return f"field.{wanted[plain(name)]}"
    if name.lower().startswith("field.") and len(name) > 6:
        return f"field.{name[6:]}"
    return ROLES.get(plain(name), "")


def _rank(role: str, name: str) -> int:
    names = _NAMES.get(role, ())
    return names.index(plain(name)) if plain(name) in names else 0
