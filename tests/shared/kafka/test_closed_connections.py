"""A broker that goes away is a connection error on every event loop, never the end of a client's own tasks."""

import asyncio
import importlib

import pytest
import uvloop
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from tests.support.servers import Servers


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_closed_connection_is_a_connection_error(servers: Servers, loop_factory: object) -> None:
    """The client may try again: what it gets is the error that it knows, and its metadata still come."""
    importlib.import_module("shared.kafka")
    with asyncio.Runner(loop_factory=loop_factory) as runner:  # type: ignore[arg-type]  # a factory by its values above
        runner.run(_write_after_the_end(servers.kafka))


async def _write_after_the_end(kafka: str) -> None:
    client = AIOKafkaClient(bootstrap_servers=kafka)
    await client.bootstrap()
    try:
        node = client.get_random_node()
        connection = await client._get_conn(node)
        connection._writer.transport.abort()
        writer = connection._writer
        await asyncio.sleep(0.1)
        connection._writer = writer  # as long as nobody has noticed the end
        with pytest.raises((KafkaConnectionError, TimeoutError)):
            await asyncio.wait_for(connection.send(MetadataRequest([])), 1)
        assert await client.force_metadata_update()
    finally:
        await client.close()
