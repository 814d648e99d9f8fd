"""The one use case of metrics: keep the newest of everything that a batch of events says."""

from collections import defaultdict
from collections.abc import Iterable

from services.metrics import store
from services.metrics.domain import Snapshot, newest
from shared.crashpoint import crashpoint


async def keep(db: store.Writes, said: Iterable[Snapshot]) -> None:
    """Every row is at least as new as the batch says; what was known, or is older than what was known, changes nothing.

    The caller's transaction makes it whole or nothing.
    """
    by_kind: dict[type[Snapshot], list[Snapshot]] = defaultdict(list)
    for snapshot in said:
        by_kind[type(snapshot)].append(snapshot)
    for kind in store.KINDS:
        if kind in by_kind:
            await store.save(db, kind, newest(by_kind[kind]))
    crashpoint("metrics.fold_written")
