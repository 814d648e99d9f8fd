"""``python -m tests.faults.network --control PORT --seed N NAME:PORT:SERVER_PORT…`` runs proxies until it is ended.

NAME is ``postgres`` or ``kafka``, and says which protocol is followed.
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from drawdown.localstack.ports import LOOPBACK
from tests.faults.network.control import answer
from tests.faults.network.following import FOLLOWERS
from tests.faults.network.proxy import Proxy
from tests.faults.network.rules import Rules


async def serve(control: int, seed: int, places: Sequence[str]) -> None:
    proxies: dict[str, Proxy] = {}
    async with AsyncExitStack() as stack:
        for place in places:
            name, port, server_port = place.split(":")
            rules = Rules(random.Random(f"{seed}/{name}"))
            proxies[name] = Proxy(rules, FOLLOWERS[name], port=int(port), server_port=int(server_port))
            await stack.enter_async_context(await proxies[name].listen())
        await stack.enter_async_context(await asyncio.start_server(partial(answer, proxies), LOOPBACK, control))
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.network")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("place", nargs="+")
    asked = parser.parse_args()
    asyncio.run(serve(asked.control, asked.seed, asked.place))
