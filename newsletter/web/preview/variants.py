"""Made-up readers for whom an issue reads differently: one for each variant of its personal parts. Pure."""

from __future__ import annotations

import hashlib

from newsletter.render.edition import Edition
from newsletter.render.merge import OWN
from newsletter.render.variants import Variant, variants
from newsletter.web.preview.readers import Somebody

MARK = "v"  # what the keys of these readers begin with


def variants_of(edition: Edition) -> tuple[Somebody, ...]:
    """A reader for each way in which the conditional parts of `edition` come together; none where there is one way."""
    found = variants(edition)
    return tuple(map(_somebody, found)) if len(found) > 1 else ()


def _somebody(variant: Variant) -> Somebody:
    fields = variant.fields
    own = {name.removeprefix(OWN): str(value) for name, value in fields.items() if name.startswith(OWN)}
    tags = fields.get("tags", ())
    key = MARK + hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()[:12]
    label = variant.label
    return Somebody(key, label, str(fields["name"]), str(fields["email"]), tags if isinstance(tags, tuple) else (), own)
