"""The list: each mistake as edits, the scenario that brings it to light, and the invariants that may show it.

These are mistakes that were made elsewhere, by people who knew what they did. Some need more than one edit, for here
two things stand in their way; `sql` takes away what the database itself would hold against them.
"""

from typing import Final

from tests.faults.seeded.bug import Bug
from tests.faults.seeded.bugs_of_reserves import PLANNING
from tests.faults.seeded.source import Edit

ENGINE: Final = "shared/kafka/engine.py"
POSITIONS: Final = "shared/kafka/positions.py"
RELAY: Final = "shared/relay.py"
SAVING: Final = "services/payments/handlers/saving.py"
RECEIVING: Final = "services/payments/domain/receiving.py"
WRITE: Final = "shared/http/write.py"

_TRY_TO_COMMIT: Final = "            try:\n                async with db.transaction():\n"
_NO_COMPARE_AND_SET: Final = (
    Edit(POSITIONS, "       and p.next_offset = m.old_offset\n     order by", "     order by"),
    Edit(POSITIONS, "   and p.next_offset = m.old_offset\nreturning 1", "returning 1"),
    Edit(POSITIONS, "    if len(moved) != len(pairs):", "    if False:"),
)

READING: Final = (
    Bug(
        "positions_outside_the_transaction",
        "positions are moved on in a transaction of their own, before the batch is committed",
        "lost_commits",
        frozenset({"I1"}),
        (
            Edit(
                ENGINE,
                _TRY_TO_COMMIT + "                    await positions.advance(db, moves)",
                _TRY_TO_COMMIT + "                    async with self._pool().acquire() as another:\n"
                "                        await positions.advance(another, moves)",
            ),
        ),
    ),
    Bug(
        "acknowledged_before_commit",
        "offsets are committed to Kafka before the batch is, and reading goes on where Kafka says",
        "killed_before_commit",
        frozenset({"I1"}),
        (
            Edit(
                ENGINE,
                "        moves = {self._places[tp]:",
                "        from aiokafka.structs import OffsetAndMetadata\n"
                '        acknowledged = {tp: OffsetAndMetadata(rs[-1].offset + 1, "") for tp, rs in work.items()}\n'
                "        await self.consumer().commit(acknowledged)\n"
                "        moves = {self._places[tp]:",
            ),
            Edit(
                ENGINE,
                "            self._places[tp] = places[key]\n",
                "            said = await self.consumer().committed(tp)\n"
                "            self._places[tp] = Place(*key, next_offset=said or 0)\n",
            ),
            *_NO_COMPARE_AND_SET,
        ),
    ),
    Bug(
        "failed_batch_is_passed_over",
        "a batch that failed is not tried again, and reading goes on behind it",
        "lost_commits",
        frozenset({"I1", "I12"}),
        (
            Edit(
                ENGINE,
                "                telemetry.BATCH_RETRIES.inc()\n",
                "                telemetry.BATCH_RETRIES.inc()\n                return\n",
            ),
        ),
    ),
    Bug(
        "only_the_first_partition_is_read_again",
        "after a failure the consumer goes back in one partition of the batch, not in all",
        "slow_statements",
        frozenset({"I1", "I12"}),
        (
            Edit(
                ENGINE,
                "        for tp in whole:\n            self._rewind(tp)\n",
                "        for tp in list(whole)[:1]:\n            self._rewind(tp)\n",
            ),
        ),
    ),
    Bug(
        "a_new_group_begins_at_the_end",
        "where nothing was read yet Kafka decides where to begin, and is told: with what comes next",
        "born_late",
        frozenset({"I1", "I12"}),
        (
            Edit("shared/kafka/broker.py", 'auto_offset_reset="earliest"', 'auto_offset_reset="latest"'),
            Edit(
                ENGINE,
                "if consumer is not None and place is not None and tp in",
                "if consumer is not None and place is not None and place.next_offset and tp in",
            ),
        ),
    ),
    Bug(
        "nobody_is_fenced",
        "positions are set without looking whether they still are where this copy left them",
        "zombie",
        frozenset({"I12"}),
        _NO_COMPARE_AND_SET,
    ),
)

TELLING: Final = (
    Bug(
        "outbox_outside_the_transaction",
        "events are written in a transaction of their own, just after the change",
        "lost_commits",
        frozenset({"I7"}),
        (
            Edit(
                SAVING,
                "    await outbox.add(db, events_of(outcome, now), origin)",
                "    import asyncio\n    _LATER.add(asyncio.create_task(_tell(events_of(outcome, now), origin)))",
            ),
            Edit(
                SAVING,
                "def _last(outcome",
                "_LATER = set()\n\n\n"
                "async def _tell(events, origin):\n"
                "    import asyncio, os\n"
                "    from shared.postgres import connect\n"
                "    await asyncio.sleep(0.02)\n"
                '    db = await connect(os.environ["DRAWDOWN_DATABASE_URL"], application="later")\n'
                "    await outbox.add(db, events, origin)\n"
                "    await db.close()\n\n\n"
                "def _last(outcome",
            ),
        ),
    ),
    Bug(
        "relay_by_cursor",
        "the relay publishes what lies behind the highest id that it has seen",
        "held_commits",
        frozenset({"I7", "I12"}),
        (
            Edit(
                RELAY,
                "                rows = await lease.db.fetch(WAITING_ROWS, _ROWS)\n",
                "                rows = await lease.db.fetch(WAITING_ROWS, _ROWS)\n"
                '                rows = [row for row in rows if row["id"] > self._cursor]\n'
                '                self._cursor = max([self._cursor, *(row["id"] for row in rows)])\n',
            ),
            Edit(
                RELAY,
                "        self._woken = asyncio.Event()\n",
                "        self._woken = asyncio.Event()\n        self._cursor = 0\n",
            ),
        ),
    ),
    Bug(
        "relay_deletes_up_to_the_highest_id",
        "the relay deletes all rows up to the last one that it has published",
        "held_commits",
        frozenset({"I7"}),
        (
            Edit(
                RELAY,
                " where o.id = d.id\n   and o.begins = d.begins",
                " where o.id <= d.id",
            ),
        ),
    ),
    Bug(
        "relay_deletes_before_the_acknowledgement",
        "rows are deleted from the outbox before Kafka has acknowledged them",
        "killed_before_acknowledgement",
        frozenset({"I7"}),
        (
            Edit(
                RELAY,
                "        try:  # a slow broker",
                "        await _delete(lease.db, [run.row for run in runs])\n        try:  # a slow broker",
            ),
        ),
    ),
    Bug(
        "relays_without_lease_or_order",
        "every copy relays at the same time, and the outbox is read in no order",
        "two_copies",
        frozenset({"order"}),
        (
            Edit(RELAY, " order by id, begins\n limit $1", " order by id desc\n limit $1"),
            Edit(
                "shared/lease.py", "        if await db.fetchval(TAKE_LEASE, _CLASS, self._name):", "        if True:"
            ),
        ),
    ),
    Bug(
        "idempotency_key_outside_the_transaction",
        "the answer under a key is kept before the effect is committed",
        "lost_commits",
        frozenset({"I1"}),
        (
            Edit(
                WRITE,
                "        async with connection(self._runtime.pool) as db, db.transaction():\n            if claim",
                "        async with (\n"
                "            connection(self._runtime.pool) as other,\n"
                "            connection(self._runtime.pool) as db,\n"
                "            db.transaction(),\n"
                "        ):\n"
                "            if claim",
            ),
            Edit(
                WRITE, "await idempotency.claim(db, claim, self.now)", "await idempotency.claim(other, claim, self.now)"
            ),
            Edit(WRITE, "await idempotency.keep(db, claim, stored)", "await idempotency.keep(other, claim, stored)"),
        ),
    ),
)

COUNTING: Final = (
    Bug(
        "identities_are_not_unique",
        "whether an identity is booked already is not looked up, and no key holds it",
        "plain",
        frozenset({"I2"}),
        (
            Edit(
                "services/payments/store/identities.py",
                "            found.known[entry.identity] = Known(",
                "            Known(",
            ),
        ),
        sql="alter table payments.payment drop constraint payment_identity",
    ),
    Bug(
        "duplicates_of_a_batch_count",
        "the sum of a call takes in an entry that came twice in one batch",
        "plain",
        frozenset({"I4"}),
        (
            Edit(
                RECEIVING,
                "            sheet.duplicate()\n        else:",
                "            sheet.duplicate()\n"
                "            if len(arrival.calls) == 1 and not sheet.why_not(entry, arrival.calls[0], entry.amount):\n"
                "                sheet.tab(arrival.calls[0]).paid += entry.amount\n"
                "        else:",
            ),
        ),
    ),
    Bug(
        "a_payment_is_reversed_twice",
        "a second reversal of the same payment is taken like the first",
        "plain",
        frozenset({"I1"}),
        (Edit(RECEIVING, "    return None if original.is_whole else Reason.ALREADY_REVERSED", "    return None"),),
        sql="drop index payments.payment_reversed_once",
    ),
    Bug(
        "a_hold_is_decided_twice",
        "the sweep applies held money and leaves the hold open for the next sweep",
        "plain",
        frozenset({"I1"}),
        (Edit(RECEIVING, "    sheet.rehold(hold.resolved(Resolution.APPLIED), entry)\n", ""),),
    ),
    Bug(
        "amounts_pass_through_floats",
        "an amount is read as a float and multiplied to cents",
        "plain",
        frozenset({"I1"}),
        (
            Edit(
                "shared/money.py",
                "        raise NotAnAmount(text)\n    return",
                "        raise NotAnAmount(text)\n    return Minor(int(float(text) * 10**exponent))\n    return",
            ),
        ),
    ),
    Bug(
        "the_date_is_that_of_utc",
        "a fund's business date is the date of UTC, not of the fund's zone",
        "plain",
        frozenset({"I6"}),
        (Edit("shared/clock.py", "    return now.astimezone(ZoneInfo(time_zone)).date()", "    return now.date()"),),
    ),
    Bug(
        "dead_letters_are_dropped",
        "what cannot be read is passed over and kept nowhere",
        "plain",
        frozenset({"I1"}),
        (Edit("services/payments/consumer.py", "        await dead_letters.add(db, letters, now)\n", ""),),
    ),
)

FOLDING: Final = (
    Bug(
        "metrics_takes_any_version",
        "the read model takes the last event that it hears, not the newest",
        "stale_copies",
        frozenset({"I8"}),
        (
            Edit(
                "services/metrics/store.py",
                "       version         = excluded.version\n where mine.version < excluded.version",
                "       version         = excluded.version",
            ),
        ),
    ),
    Bug(
        "the_fold_takes_any_version",
        "allocations folds the last report that it hears of a call, not the newest",
        "stale_copies",
        frozenset({"I4"}),
        (
            Edit(
                "services/allocations/domain/reports.py",
                "        elif report.version > known.version:",
                "        else:",
            ),
        ),
        sql="drop trigger call_reports_never_go_back on allocations.call",
    ),
    Bug(
        "audit_enters_every_copy",
        "events are known by their place in Kafka, so one that is published twice is entered twice",
        "stale_copies",
        frozenset({"I9"}),
        (
            Edit(
                "services/audit/consumer.py",
                "    if event_id and arrival.topic in _WITH_IDS_OF_OURS",
                "    if False and arrival.topic in _WITH_IDS_OF_OURS",
            ),
        ),
    ),
    Bug(
        "the_chain_goes_on_from_an_old_hash",
        "a chain's head is moved on without its hash, so the next batch ties to the wrong entry",
        "plain",
        frozenset({"I9"}),
        (
            Edit(
                "services/audit/handlers.py",
                "Head(appended[-1].sequence, appended[-1].hash)",
                "Head(appended[-1].sequence, locked.head.hash)",
            ),
        ),
    ),
)

BUGS: Final = {bug.name: bug for bug in (*READING, *TELLING, *COUNTING, *FOLDING, *PLANNING)}
