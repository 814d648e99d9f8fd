"""The metrics service, composed: what it reads, what it answers."""

from services.metrics import api, consumer
from shared.http import dead_letter_router
from shared.runtime import Runtime
from shared.settings import Settings

# A commit that a crash takes back is read from Kafka again, with its position: waiting for the disk buys nothing here.
SERVER_SETTINGS = {"synchronous_commit": "off"}


def build(settings: Settings) -> Runtime:
    return Runtime(
        "metrics",
        settings,
        reads=list(consumer.READS),
        apply=consumer.apply,
        routers=[api.router, dead_letter_router("metrics")],
        server_settings=SERVER_SETTINGS,
    )
