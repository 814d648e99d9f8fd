"""PostgreSQL: pools with the limits every service needs, what its errors mean to us, and ids dealt out in blocks."""

import asyncio
from collections.abc import Mapping
from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Record: TypeAlias = asyncpg.Record

# A frozen process must not hold the others up: its locks and its open transaction end by themselves. And what was
# committed may be published, so it must be on disk, whatever the server's default is; read models say otherwise.
LIMITS: Final = {
    "synchronous_commit": "on",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",
}


class _Session(asyncpg.Connection):
    """A lent connection comes back as it was, since nothing of ours changes a session: the round trip that would reset
    it after every transaction is saved. An open transaction is still rolled back."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class DatabaseAway(ConnectionError):
    """The database cannot be reached now; try again later."""


class Retry(Exception):
    """The transaction lost a race and changed nothing: do it again from the start."""


async def open_pool(url: str, *, application: str, size: int = 6, settings: Mapping[str, str] | None = None) -> Pool:
    """A pool of up to `size` connections; raises `DatabaseAway` when none can be opened."""
    try:
        return await asyncpg.create_pool(
            url,
            min_size=min(2, size),
            max_size=size,
            connection_class=_Session,
            command_timeout=60,
            server_settings={"application_name": application, **LIMITS, **(settings or {})},
        )
    except Exception as error:
        if is_away(error):
            raise DatabaseAway(str(error)) from error
        raise


async def connect(url: str, *, application: str, settings: Mapping[str, str] | None = None) -> Connection:
    """One connection outside any pool, for what must not be lent out, such as a session's advisory lock."""
    return await asyncpg.connect(
        url, timeout=10, command_timeout=60, server_settings={"application_name": application, **(settings or {})}
    )


def is_away(error: BaseException) -> bool:
    """Whether the database was not there, or went away in the middle: the same call may work later."""
    return isinstance(
        error,
        OSError
        | asyncio.TimeoutError
        | asyncpg.InterfaceError
        | asyncpg.InternalClientError  # a session that the server has ended, used before its end was read
        | asyncpg.PostgresConnectionError
        | asyncpg.CannotConnectNowError
        | asyncpg.AdminShutdownError
        | asyncpg.CrashShutdownError
        | asyncpg.TooManyConnectionsError
        | asyncpg.IdleInTransactionSessionTimeoutError,
    ) and not isinstance(error, asyncpg.DataError)


def is_lost_race(error: BaseException) -> bool:
    """Whether the transaction met another one and may simply be done again."""
    return isinstance(
        error,
        Retry
        | asyncpg.SerializationError
        | asyncpg.DeadlockDetectedError
        | asyncpg.LockNotAvailableError
        | asyncpg.QueryCanceledError,
    )


def is_statement_timeout(error: BaseException) -> bool:
    """Whether a statement took longer than it may."""
    return isinstance(error, asyncpg.QueryCanceledError)


def is_lock_timeout(error: BaseException) -> bool:
    """Whether somebody else held a row for too long."""
    return isinstance(error, asyncpg.LockNotAvailableError)


def is_data_error(error: BaseException) -> bool:
    """Whether the database refused what a record says (SQLSTATE classes 22 and 23): it would refuse it again."""
    refused = asyncpg.DataError | asyncpg.IntegrityConstraintViolationError | UnicodeEncodeError | OverflowError
    return isinstance(error, refused)


def is_catalog_race(error: BaseException) -> bool:
    """Whether two sessions made or changed the same role or schema at once. Roles belong to the whole server, where no
    lock of one database can keep them apart."""
    return isinstance(
        error, asyncpg.DuplicateObjectError | asyncpg.DuplicateSchemaError | asyncpg.UniqueViolationError
    ) or (isinstance(error, asyncpg.InternalServerError) and "concurrently" in str(error))


def is_taken(error: BaseException) -> bool:
    """Whether a unique key was taken already."""
    return isinstance(error, asyncpg.UniqueViolationError)


NEXT_BLOCKS: Final = """
select nextval($1::regclass) from generate_series(1, $2)
"""


class IdBlocks:
    """Ids from a sequence that is incremented by whole blocks, dealt out in memory, so a batch costs no round trip.

    `block` must equal the sequence's increment. Ids of a transaction that fails are never used: gaps are harmless.
    """

    def __init__(self, sequence: str, *, block: int = 1_000) -> None:
        self._sequence = sequence
        self._block = block
        self._left: list[int] = []

    async def take(self, db: Connection, count: int) -> list[int]:
        """`count` new ids, rising."""
        # Again, since somebody else may have taken some while this one waited for the database.
        while (missing := count - len(self._left)) > 0:
            rows = await db.fetch(NEXT_BLOCKS, self._sequence, -(-missing // self._block))
            for (first,) in rows:
                self._left.extend(range(first, first + self._block))
        taken, self._left = self._left[:count], self._left[count:]
        return taken
