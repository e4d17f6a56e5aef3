"""Batches in doubt, settled by the record of the provider that their call went to, where it keeps one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.delivery import ledger
from newsletter.delivery.protocol import Accepted, Recalling, Recipient, Refused

if TYPE_CHECKING:
    from newsletter.delivery.broadcaster import Broadcaster


def settle_by_record(boss: Broadcaster, broadcast_id: int) -> int:
    """Ask about every batch in doubt that may not be repeated; how many are in doubt no more.

    The provider is asked outside of any transaction, and what it says is written only if the batch is still in doubt.
    """
    named = {"": boss.provider} | ({boss.fallback_name(): boss.fallback} if boss.fallback else {})
    asked = {name: each for name, each in named.items() if isinstance(each, Recalling) and not each.honours_keys}
    if not asked:
        return 0
    with boss.store.reading() as connection:
        doubts = ledger.doubts(connection, broadcast_id, asked)
        readers = ledger.readers_of_batches(connection, broadcast_id, [doubt.number for doubt in doubts])
    settled = 0
    for doubt in doubts:
        recipients = [Recipient(reader.email, reader.name) for reader in readers[doubt.number][0]]
        found = asked[doubt.provider].recall(doubt.key, recipients)
        if isinstance(found, Accepted | Refused):
            taken, reference = isinstance(found, Accepted), getattr(found, "reference", "")
            with boss.store.transaction() as connection:
                settled += ledger.settle_doubt(
                    connection, broadcast_id, doubt.number, taken=taken, reference=reference, now=boss.clock.now()
                )
    return settled
