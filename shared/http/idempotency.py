"""Idempotency-Key: the answer of a write is stored with its effect, so the same request again gets the same answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.http.problems import Problem
from shared.postgres import Connection, is_lock_timeout

KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """One key of one caller on one route, and the digest of the body that came with it."""

    caller: str
    method: str
    path: str
    key: str
    body_sha256: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer given before."""

    status: int
    answer: bytes


# The unique index makes a twin wait until the first one has ended; an answer older than `KEPT` gives way to a new one.
CLAIM: Final = """
insert into idempotency_key as taken (caller, method, path, key, body_sha256, status, answer, created_at)
values ($1, $2, $3, $4, $5, 0, '', $6)
    on conflict (caller, method, path, key) do update
   set body_sha256 = excluded.body_sha256, status = 0, answer = '', created_at = excluded.created_at
 where taken.created_at < $7
returning true
"""

READ: Final = """
select body_sha256, status, answer
  from idempotency_key
 where (caller, method, path, key) = ($1, $2, $3, $4)
"""


async def claim(db: Connection, claim: Claim, now: datetime) -> Stored | None:
    """Takes the key for this transaction, or gives the answer stored under it.

    Ends the request with 422 when the key was used with another body, and with 409 when a twin is still running after
    the lock timeout.
    """
    scope = (claim.caller, claim.method, claim.path, claim.key)
    try:
        if await db.fetchval(CLAIM, *scope, claim.body_sha256, now, now - KEPT):
            return None
    except Exception as error:
        if is_lock_timeout(error):
            raise Problem(
                409,
                "request_in_progress",
                "a request with this Idempotency-Key is still running",
                "Wait a moment, then send the same request again.",
                headers={"Retry-After": "1"},
            ) from error
        raise
    row = await db.fetchrow(READ, *scope)
    assert row is not None, "the conflict that refused our row is committed"
    if row["body_sha256"] != claim.body_sha256:
        detail = "this Idempotency-Key came with another body before"
        raise Problem(
            422,
            "idempotency_key_reused",
            detail,
            "Send the first body again, or use a new key for a new request.",
            facts={"errors": [{"loc": ["header", "Idempotency-Key"], "msg": detail}]},
        )
    return Stored(row["status"], row["answer"])


KEEP: Final = """
update idempotency_key
   set status = $5, answer = $6
 where (caller, method, path, key) = ($1, $2, $3, $4)
"""


async def keep(db: Connection, claim: Claim, stored: Stored) -> None:
    """Stores the answer of a claim, in the transaction of its effect."""
    await db.execute(KEEP, claim.caller, claim.method, claim.path, claim.key, stored.status, stored.answer)


FORGET: Final = """
delete from idempotency_key where created_at < $1
"""


async def forget(db: Connection, now: datetime) -> None:
    """Deletes the answers that have been kept long enough."""
    await db.execute(FORGET, now - KEPT)
