"""The audit service, composed: it reads everything, and answers for the record."""

from functools import partial
from typing import Final

from services.audit import api, consumer
from shared.http import dead_letter_router
from shared.runtime import Runtime
from shared.settings import Settings

# A plan that was made while the chains were short is not kept: our few statements are planned each time.
SERVER_SETTINGS = {"plan_cache_mode": "force_custom_plan"}

# Nobody waits for an entry, and many small batches are the dearest way to write them.
_GATHER_SECONDS: Final = 0.25


def build(settings: Settings) -> Runtime:
    account_key = settings.account_key.get_secret_value().encode()
    return Runtime(
        "audit",
        settings,
        reads=consumer.READS,
        apply=partial(consumer.apply, account_key=account_key),
        gather_seconds=_GATHER_SECONDS,
        routers=[api.router, dead_letter_router("audit")],
        server_settings=SERVER_SETTINGS,
    )
