"""The control channel: one JSON object a line, one line back. `Network` speaks it, the proxies' process answers."""

import asyncio
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from drawdown.localstack.ports import LOOPBACK
from tests.faults.network.proxy import Proxy
from tests.faults.network.rules import Rule


async def answer(proxies: Mapping[str, Proxy], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Does what one controller asks for, until it goes away."""
    while line := await reader.readline():
        writer.write(json.dumps(_do(proxies, json.loads(line))).encode() + b"\n")
        await writer.drain()
    writer.close()


def _do(proxies: Mapping[str, Proxy], asked: Mapping[str, Any]) -> object:
    match asked["do"]:
        case "arm":
            return proxies[asked["proxy"]].rules.arm(Rule(**asked["rule"]))
        case "lift":
            for name in [asked["proxy"]] if asked["proxy"] else proxies:
                proxies[name].rules.lift(asked["number"])
            return None
        case "spend":
            proxies[asked["proxy"]].rules.spend()
            return None
        case "cut":
            return proxies[asked["proxy"]].cut(asked["who"])
        case "counts":
            return {name: dict(proxy.rules.counts) for name, proxy in proxies.items()}
        case unknown:
            return f"cannot {unknown}"


class Network:
    """Speaks to the proxies of one house, named ``postgres`` and ``kafka``. Every method returns when it is done."""

    def __init__(self, port: int) -> None:
        self._port = port

    def arm(self, proxy: str, rule: Rule) -> int:
        """Puts a rule in force; its number."""
        return int(self._ask({"do": "arm", "proxy": proxy, "rule": asdict(rule)}))

    def lift(self, proxy: str = "", number: int | None = None) -> None:
        """Takes away one rule, or all of one proxy, or all: the network is well again, and what it held goes on."""
        self._ask({"do": "lift", "proxy": proxy, "number": number})

    def spend(self, proxy: str) -> None:
        """The rules of one proxy strike no more; what they hold back stays so until they are lifted."""
        self._ask({"do": "spend", "proxy": proxy})

    @contextmanager
    def suffering(self, proxy: str, rule: Rule) -> Iterator[None]:
        """The rule is in force during the block."""
        number = self.arm(proxy, rule)
        try:
            yield
        finally:
            self.lift(proxy, number)

    def cut(self, proxy: str, who: str = "") -> int:
        """Resets the connections of those whose name contains `who`; how many there were."""
        return int(self._ask({"do": "cut", "proxy": proxy, "who": who}))

    def counts(self, proxy: str) -> dict[str, int]:
        """How often each fault has happened so far, such as ``swallow COMMIT``, and how many connections there were."""
        found: dict[str, int] = self._ask({"do": "counts"})[proxy]
        return found

    def is_ready(self) -> bool:
        """Whether the proxies answer."""
        try:
            self._ask({"do": "counts"})
        except OSError:
            return False
        return True

    def _ask(self, asked: Mapping[str, object]) -> Any:
        with socket.create_connection((LOOPBACK, self._port), timeout=5) as channel, channel.makefile("rw") as lines:
            lines.write(json.dumps(asked) + "\n")
            lines.flush()
            return json.loads(lines.readline())
