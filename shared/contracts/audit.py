"""What every service says for the record: who did what, or tried to."""

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Contract, Moment, Name, Text


class AuditRecorded(Contract):
    """An action or a security event, done or refused."""

    topic: ClassVar[str] = "audit.recorded"
    keyed_by: ClassVar[str] = "actor"

    actor: Name = Field(description="Who acted, as far as the service knows.", examples=["local"])
    action: Name = Field(examples=["call.issue"])
    resource_type: Name = Field(examples=["call"])
    resource_id: Text | None = Field(description="Null where nothing came to be.", examples=["17"])
    outcome: Literal["done", "refused"]
    reason: Text | None = Field(description="The refusal's code, or the reason a person gave.")
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None
    address: Text | None = Field(description="The network address the request came from.")
    occurred_at: Moment
