"""Makes aiokafka see a closed connection as one under uvloop too (aio-libs/aiokafka#1038).

Writing to a closed transport raises RuntimeError there, which aiokafka does not expect: the task that refreshes its
metadata dies of it, and the consumer then waits for its group's coordinator for ever.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def _send_or_say_closed(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"the connection is closed: {error}") from error


def understand() -> None:
    """From now on every client of this process tries again where it would have stood still. Safe to call again."""
    AIOKafkaConnection.send = _send_or_say_closed
