"""Kept connections to one service, over which a request goes out and its answer comes back piece by piece.

h11 does the protocol and asyncio the sockets: passing a request on by httpx took five times the CPU (2.3 ms, 0.5 ms
so), and everything that people and programs read goes this way.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import h11

Headers = Sequence[tuple[bytes, bytes]]

_CONNECT_SECONDS: Final = 2
_ANSWER_SECONDS: Final = 120
# A service closes a connection that was idle for 5 seconds; ours are given up before, so none is used as it closes.
_IDLE_SECONDS: Final = 4
_CONNECTIONS_MAX: Final = 400
_READ_BYTES: Final = 256 * 1024
_HEAD_BYTES_MAX: Final = 64 * 1024


class Away(ConnectionError):
    """The service cannot be reached, so nothing was asked of it."""


class BrokeOff(ConnectionError):
    """The connection ended before the answer did; what was asked may have been done."""


class Answer:
    """The head of an answer, and the way to its body."""

    def __init__(self, wire: "_Wire", head: h11.Response) -> None:
        self.status = head.status_code
        self.headers: Headers = head.headers.raw_items()
        self._wire = wire

    async def parts(self) -> AsyncIterator[tuple[bytes, bool]]:
        """The body as it comes, each part with whether more may follow; an event stream is never held back."""
        waiting = b""
        while True:
            event = self._wire.known()
            if event is h11.NEED_DATA:
                if waiting:
                    yield waiting, True
                    waiting = b""
                await self._wire.fill(seconds=None)
            elif isinstance(event, h11.Data):
                if waiting:
                    yield waiting, True
                waiting = bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                yield waiting, False
                return
            else:
                raise BrokeOff("the answer ended too early")


class Upstream:
    """One service. Connections are kept for the next request; a request that only reads survives a stale one."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self._idle: list[_Wire] = []
        self._lent = 0

    @contextlib.asynccontextmanager
    async def ask(
        self, method: str, target: bytes, headers: Headers, body: bytes | AsyncIterator[bytes] = b""
    ) -> AsyncIterator[Answer]:
        """The answer as soon as its head is here. Raises `Away` or `BrokeOff`."""
        if self._lent >= _CONNECTIONS_MAX:
            raise Away("too many requests at once")
        self._lent += 1
        wire: _Wire | None = None
        try:
            request = h11.Request(method=method, target=target, headers=list(headers))
            wire = self._kept() or await self._new()
            try:
                head = await wire.exchange(request, body)
            except BrokeOff:
                if body or method not in {"GET", "HEAD", "OPTIONS"}:
                    raise
                wire.close()
                wire = await self._new()
                head = await wire.exchange(request, body)
            yield Answer(wire, head)
        finally:
            self._lent -= 1
            if wire is not None:
                self._take_back(wire)

    def close(self) -> None:
        """Gives up every kept connection."""
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> "_Wire | None":
        while self._idle:
            wire = self._idle.pop()
            if wire.is_fresh():
                return wire
            wire.close()
        return None

    async def _new(self) -> "_Wire":
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port, limit=_READ_BYTES)
        except (OSError, TimeoutError) as error:
            raise Away(str(error)) from error
        return _Wire(reader, writer)

    def _take_back(self, wire: "_Wire") -> None:
        if wire.is_reusable():
            self._idle.append(wire)
        else:
            wire.close()


class _Wire:
    """One connection and where its conversation stands."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
        self._idle_since = 0.0

    async def exchange(self, request: h11.Request, body: bytes | AsyncIterator[bytes]) -> h11.Response:
        """Sends the request; the head of its answer may come before the end of a long body, which then stays unsent."""
        try:
            if isinstance(body, bytes):
                self._send(request, h11.Data(body), h11.EndOfMessage())
                return await self._head()
            self._send(request)
            return await self._head_while_sending(body)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            raise BrokeOff(str(error)) from error

    async def _head_while_sending(self, body: AsyncIterator[bytes]) -> h11.Response:
        sending = asyncio.create_task(self._send_all(body))
        heading = asyncio.create_task(self._head())
        try:
            await asyncio.wait({sending, heading}, return_when=asyncio.FIRST_COMPLETED)
            if not heading.done():
                with contextlib.suppress(OSError):  # a service that refuses a body closes its end, then we read why
                    await sending
            return await heading
        finally:
            for task in (sending, heading):
                task.cancel()
            await asyncio.gather(sending, heading, return_exceptions=True)

    async def _send_all(self, body: AsyncIterator[bytes]) -> None:
        async for part in body:
            self._send(h11.Data(part))
            await self._writer.drain()
        self._send(h11.EndOfMessage())

    def _send(self, *events: h11.Event) -> None:
        self._writer.write(b"".join(self._talk.send(event) or b"" for event in events))

    async def _head(self) -> h11.Response:
        while True:
            event = self.known()
            if isinstance(event, h11.Response):
                return event
            if event is h11.NEED_DATA:
                await self.fill(seconds=_ANSWER_SECONDS)
            elif not isinstance(event, h11.InformationalResponse):
                raise BrokeOff("there was no answer")

    def known(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """What can be said from the bytes that are here."""
        try:
            return self._talk.next_event()
        except h11.RemoteProtocolError as error:
            raise BrokeOff(str(error)) from error

    async def fill(self, *, seconds: int | None) -> None:
        """Waits for more bytes."""
        try:
            async with asyncio.timeout(seconds):
                self._talk.receive_data(await self._reader.read(_READ_BYTES))
        except (OSError, TimeoutError) as error:
            raise BrokeOff(str(error)) from error

    def is_reusable(self) -> bool:
        """Makes it ready for the next request, if both sides have said all of this one."""
        if self._talk.our_state is not h11.DONE or self._talk.their_state is not h11.DONE:
            return False
        self._talk.start_next_cycle()
        self._idle_since = asyncio.get_running_loop().time()
        return True

    def is_fresh(self) -> bool:
        """Whether the other side has probably not closed it meanwhile."""
        idle_seconds = asyncio.get_running_loop().time() - self._idle_since
        return idle_seconds < _IDLE_SECONDS and not self._reader.at_eof() and not self._writer.is_closing()

    def close(self) -> None:
        self._writer.close()
