"""One proxy: takes connections, makes one to the server for each, and passes on what the rules let through."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final

from drawdown.localstack.ports import LOOPBACK
from tests.faults.network.following import Follower, Piece
from tests.faults.network.rules import Direction, Rules

_CHUNK_BYTES: Final = 64 * 1024


class _Cut(Exception):
    """The connection is to be reset now."""


class Link:
    """One connection through the proxy."""

    def __init__(self, rules: Rules, follower: Follower) -> None:
        self._rules = rules
        self._follower = follower
        self._ends: list[asyncio.StreamWriter] = []
        self._passed_bytes: dict[Direction, int] = {"up": 0, "down": 0}
        self._limits: dict[int, int] = {}  # of rules that cut after so many bytes
        self._mute = False

    @property
    def who(self) -> str:
        return self._follower.who

    async def run(self, client: tuple[asyncio.StreamReader, asyncio.StreamWriter], port: int) -> None:
        """Until either side ends it, or a rule does."""
        self._ends.append(client[1])
        try:
            if any(self._rules.met("refuse", who="")):
                raise _Cut
            server = await asyncio.open_connection(LOOPBACK, port)
            self._ends.append(server[1])
            pumps = {
                asyncio.create_task(self._pump("up", client[0], server[1])),
                asyncio.create_task(self._pump("down", server[0], client[1])),
            }
            done, pending = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for task in done:
                task.result()
        except (_Cut, OSError):
            self.cut()
        finally:
            for end in self._ends:
                end.close()

    def cut(self) -> None:
        """Resets both sides, as a middlebox does that has forgotten the connection: neither is told why."""
        for end in self._ends:
            raw = end.get_extra_info("socket")
            with contextlib.suppress(OSError):
                if raw is not None:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()

    async def _pump(self, way: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        follow = self._follower.up if way == "up" else self._follower.down
        while data := await reader.read(_CHUNK_BYTES):
            for armed in self._rules.met("stall", who=self.who, direction=way):
                await armed.lifted.wait()
            for armed in self._rules.met("delay", who=self.who, direction=way):
                await asyncio.sleep(self._rules.chance.uniform(0, armed.rule.milliseconds) / 1000)
            for piece in follow(data):
                if piece.name is not None:
                    await self._meet(way, piece.name)
                await self._pass(way, piece, writer)

    async def _meet(self, way: Direction, name: str) -> None:
        """What the rules do to a message (up) or to its answer (down) before it is passed on."""
        if way == "up":
            for armed in self._rules.met("hold", who=self.who, message=name):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(armed.lifted.wait(), armed.rule.milliseconds / 1000 or None)
            if any(self._rules.met("lose", who=self.who, message=name)):
                raise _Cut
            return
        if any(self._rules.met("swallow", who=self.who, message=name)):
            raise _Cut
        if any(self._rules.met("mute", who=self.who, message=name)):
            self._mute = True

    async def _pass(self, way: Direction, piece: Piece, writer: asyncio.StreamWriter) -> None:
        if self._mute and way == "down":
            return
        for armed in self._rules.met("cut_after", who=self.who, direction=way):
            limit = self._limits.setdefault(id(armed), self._rules.chance.randint(1, max(armed.rule.size_bytes, 1)))
            if self._passed_bytes[way] + len(piece.data) > limit:
                writer.write(piece.data[: max(limit - self._passed_bytes[way], 0)])
                await writer.drain()
                self._rules.counts["cut"] += 1
                raise _Cut
        size = min((a.rule.size_bytes for a in self._rules.met("slice", who=self.who, direction=way)), default=0)
        for start in range(0, len(piece.data), size or len(piece.data)):
            writer.write(piece.data[start : start + (size or len(piece.data))])
            await writer.drain()
            if size:
                await asyncio.sleep(0.0005)
        self._passed_bytes[way] += len(piece.data)


class Proxy:
    """Stands at a port of its own before the server at another."""

    def __init__(self, rules: Rules, follower: Callable[[], Follower], *, port: int, server_port: int) -> None:
        self.rules = rules
        self._follower = follower
        self._port = port
        self._server_port = server_port
        self._links: set[Link] = set()

    async def listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._take, LOOPBACK, self._port)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self.rules, self._follower())
        self._links.add(link)
        self.rules.counts["connections"] += 1
        try:
            await link.run((reader, writer), self._server_port)
        finally:
            self._links.discard(link)

    def cut(self, who: str) -> int:
        """Resets the connections of those whose name contains `who`; how many."""
        cut = [link for link in self._links if who in link.who]
        for link in cut:
            link.cut()
        self.rules.counts["cut"] += len(cut)
        return len(cut)
