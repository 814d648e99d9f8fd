"""The naive services with eight handlers at a time in each of the four processes, and a connection for each handler."""

from pathlib import Path
from typing import Final

from bench.contender import PeerResult, Servers, Workload
from bench.peers import naive

NAME = "naive FastStream, 8 handlers"
GIVES_NOT = f"order of handling; and as the naive one: {naive.GIVES_NOT}"
LIMIT_EVENTS = naive.LIMIT_EVENTS

_HANDLERS: Final = 8


async def run(workload: Workload, servers: Servers, work: Path) -> PeerResult:
    return await naive.run_with(workload, servers, work, handlers=_HANDLERS)
