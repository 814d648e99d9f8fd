"""HTTP/1.1 by hand, over one connection that stays open: a client costs more than what it asks for."""

import asyncio
from typing import Final
from urllib.parse import urlsplit

_OK: Final = range(200, 300)


class NotDone(RuntimeError):
    """Something was asked for in vain; the message has the answer."""


class Wire:
    """One request after the other. It connects when it is first used."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of the answer to a GET, or, where there is a body, to a POST of that JSON."""
        if self._open is not None and self._open[0].at_eof():  # nobody asked for some seconds, so the service hung up
            await self.aclose()
        if self._open is None:
            self._open = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._open
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + (body or b""))
        await writer.drain()
        told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(told.partition("content-length:")[2].partition("\r\n")[0])
        return int(told.split(" ", 2)[1]), await reader.readexactly(length)

    async def insist(self, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer 2xx; raises `NotDone` for any other."""
        status, answer = await self.ask(path, body)
        if status not in _OK:
            raise NotDone(f"{path}: {status} {answer[:400].decode(errors='replace')}")
        return answer

    async def aclose(self) -> None:
        """Hangs up."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
