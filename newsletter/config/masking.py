"""Which secrets a publication has, and the mask that takes all of them out of a text."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from pydantic import BaseModel

from newsletter.config.secrets import revealed
from newsletter.config.sections import Config
from newsletter.config.values import OptionalSecretName, SecretName
from newsletter.errors import ConfigError
from newsletter.masks import Mask

_FIXED = ("NEWSLETTER_TOKEN_KEY", "BOUNCES_PASSWORD")  # that signs links; of the mailbox with bounces
_PREFIX = "ANYMAIL_"  # the settings of other services are secrets under Anymail's own names
_MARKS = tuple(getattr(kind, "__metadata__")[0] for kind in (SecretName, OptionalSecretName))  # noqa: B009 - mypy's


def secret_names(config: Config) -> list[str]:
    """The names of all secrets: those that the configuration names, and those whose names are always the same."""
    env = {name.removesuffix("_FILE") for name in os.environ if name.startswith(_PREFIX)}
    return list(dict.fromkeys([*_named(config), *_FIXED, *sorted(env)]))


def mask_of(config: Config) -> Mask:
    """The mask of a publication's secrets as they are now, the password of its database among them."""
    values = []
    for name in secret_names(config):
        with contextlib.suppress(ConfigError):  # its file cannot be read, so nobody here has it
            values.append(revealed(name))
    return Mask([*values, _password(config.storage.database_url)])


def _named(section: BaseModel) -> Iterator[str]:
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            yield from _named(value)
        elif isinstance(value, tuple):
            for entry in value:
                yield from _named(entry) if isinstance(entry, BaseModel) else ()
        elif key == "secrets":  # those of a provider, by what it calls them
            yield from value.values()
        elif value and any(mark in field.metadata for mark in _MARKS):
            yield str(value)


def _password(database_url: str) -> str:
    head, at, _ = database_url.rpartition("@")
    return head.rpartition(":")[2] if at and ":" in head.partition("://")[2] else ""
