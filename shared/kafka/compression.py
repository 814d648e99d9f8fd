"""Makes aiokafka compress as Kafka's own Java client does: lz4 for speed, not for the last tenth of the size.

aiokafka asks for level 9, which is another, searching algorithm: 13 times the time for one tenth fewer bytes of our
events, and it allows no other level by its settings.
"""

from typing import Final

from aiokafka import codec

_LZ4_LEVEL: Final = 1


def lighten() -> None:
    """From now on every producer of this process that compresses with lz4 does it quickly. Safe to call again."""
    codec.lz4_encode.__defaults__ = (_LZ4_LEVEL,)
