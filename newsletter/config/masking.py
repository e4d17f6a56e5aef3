"""Which secrets a publication has, and the mask that takes all of them out of a text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pydantic import BaseModel

from newsletter.config.secrets import revealed
from newsletter.config.sections import Config
from newsletter.config.values import OptionalSecretName, SecretName
from newsletter.errors import ConfigError
from newsletter.masks import Mask

TOKEN_KEY = "NEWSLETTER_TOKEN_KEY"  # noqa: S105 - a name
_MARKS = tuple(getattr(kind, "__metadata__")[0] for kind in (SecretName, OptionalSecretName))  # noqa: B009 - mypy's


def secret_names(config: Config) -> list[str]:
    """The names of all secrets that the configuration names, and of the key that signs links."""
    return list(dict.fromkeys([*_named(config), TOKEN_KEY]))


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
        elif value and any(mark in field.metadata for mark in _MARKS):
            yield str(value)


def _password(database_url: str) -> str:
    head, at, _ = database_url.rpartition("@")
    return head.rpartition(":")[2] if at and ":" in head.partition("://")[2] else ""
