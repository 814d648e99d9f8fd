"""The contracts as documents for other people's programs: a JSON Schema per event and one AsyncAPI 3.0 document."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from shared.contracts import BY_TOPIC, CONTRACTS, Contract
from shared.contracts.examples import EXAMPLES

Json = dict[str, Any]

_SERVICES: Final = ("allocations", "payments", "metrics", "audit")
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# Who says it, who reads it, and what it says, per topic.
_TRAFFIC: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str]]] = {
    "payment.received": (("feeds", "payments"), ("payments", "audit"), "A bank's entry: money in, or taken back."),
    "fund.changed": (("allocations",), ("payments", "metrics", "audit"), "A fund as it now is."),
    "deal.changed": (("allocations",), ("metrics", "audit"), "A deal as it now is."),
    "call.terms_changed": (
        ("allocations",),
        ("payments", "metrics", "audit"),
        "The terms of a call, and the stage it has reached.",
    ),
    "call.status_changed": (
        ("payments",),
        ("allocations", "metrics", "audit", "subscribers"),
        "An issued call as it now is, with the postings of this version.",
    ),
    "allocation.status_changed": (
        ("allocations",),
        ("metrics", "audit", "subscribers"),
        "An allocation as it now is: committed, planned, called, funded, and the state that follows.",
    ),
    "payment.held": (("payments",), ("metrics", "audit", "subscribers"), "A hold opened or resolved, and why."),
    "reserve.reallocated": (
        ("allocations",),
        ("metrics", "audit", "subscribers"),
        "A new version of a fund's reserves: who was named, and what all of them come to.",
    ),
    "audit.recorded": (_SERVICES, ("audit",), "An action or a security event."),
}

_ABOUT: Final = """\
What the services of Drawdown say to each other, and what banking feeds say to them.
Every message is a CloudEvent 1.0 in Kafka's binary mode: attributes in headers, the JSON data alone as value.
`payment.received` is also taken in structured mode, and as bare JSON without any header.
Events are snapshots with a version: of two the newer one counts, so duplicates and replays change nothing.
Amounts are decimal text in major units with the currency beside them.
Readers ignore members they do not know.
"""


class _Untitled(GenerateJsonSchema):
    """A member's name says enough; a second one made from it would be noise."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic asks with it
        return False


def schema_of(contract: type[Contract]) -> Json:
    """The JSON Schema of one version of an event's data."""
    body = contract.model_json_schema(schema_generator=_Untitled)
    return {
        "$schema": _DIALECT,
        "$id": f"drawdown:schemas/{contract.type()}.json",
        **body,
        "title": contract.type(),
        "examples": [EXAMPLES[contract.type()]],
    }


def schema_text(contract: type[Contract]) -> str:
    return _text(schema_of(contract))


def asyncapi() -> Json:
    """The AsyncAPI 3.0 document of every topic: what travels there, under which key, from whom, to whom."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Drawdown events", "version": "1.0.0", "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {**{topic: _channel(topic) for topic in BY_TOPIC}, "dead_letters": _dead_letters()},
        "operations": dict(_operations()),
        "components": {
            "messages": {contract.type(): _message(contract) for contract in CONTRACTS}
            | {"dead_letter": _dead_letter_message()},
            "messageTraits": {"cloudevent": {"headers": _headers()}},
            "schemas": dict(_schemas()),
        },
    }


def asyncapi_text() -> str:
    return _text(asyncapi())


def _text(document: Json) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _channel(topic: str) -> Json:
    message = BY_TOPIC[topic].type()
    writers, readers, says = _TRAFFIC[topic]
    return {
        "address": topic,
        "title": topic,
        "description": f"{says}\nWritten by {', '.join(writers)}; read by {', '.join(readers)}.",
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}},
    }


def _dead_letters() -> Json:
    return {
        "address": "{topic}.dlt",
        "title": "Dead letters",
        "description": "Records that a reader could never understand: the first 64 KiB of the raw bytes, with why.",
        "parameters": {"topic": {"enum": list(BY_TOPIC), "description": "The topic where the record stood."}},
        "messages": {"dead_letter": {"$ref": "#/components/messages/dead_letter"}},
    }


def _operations() -> Iterable[tuple[str, Json]]:
    for topic, (writers, readers, _) in _TRAFFIC.items():
        for action, verb, programs in (("send", "says", writers), ("receive", "hears", readers)):
            for program in programs:
                operation = _operation(topic, action)
                if action == "receive" and program in _SERVICES:
                    operation["bindings"] = {
                        "kafka": {
                            "groupId": {"type": "string", "const": f"drawdown.{program}"},
                            "bindingVersion": "0.5.0",
                        }
                    }
                yield f"{program}.{verb}.{topic}", operation


def _operation(topic: str, action: str) -> Json:
    reference = f"#/channels/{topic}"
    return {
        "action": action,
        "channel": {"$ref": reference},
        "messages": [{"$ref": f"{reference}/messages/{BY_TOPIC[topic].type()}"}],
    }


def _message(contract: type[Contract]) -> Json:
    message: Json = {
        "name": contract.type(),
        "title": contract.type(),
        "summary": (contract.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{contract.type()}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The {contract.keyed_by}, as text."},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"name": "example", "payload": dict(EXAMPLES[contract.type()])}],
    }
    if contract.topic != "payment.received":  # banks may leave the headers out
        message["traits"] = [{"$ref": "#/components/messageTraits/cloudevent"}]
    return message


def _dead_letter_message() -> Json:
    return {
        "name": "dead_letter",
        "title": "Dead letter",
        "summary": "The raw bytes of a record that could not be understood, under the key it had.",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "contentEncoding": "binary"},
    }


def _headers() -> Json:
    def words(description: str, **more: Any) -> Json:
        return {"type": "string", "description": description, **more}

    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
        "properties": {
            "ce_specversion": words("CloudEvents version.", const="1.0"),
            "ce_id": words("Given when the event is written; the same in every publish."),
            "ce_source": words("The service that says so.", examples=["drawdown/payments"]),
            "ce_type": words("The topic's name and the contract's version.", enum=[c.type() for c in CONTRACTS]),
            "ce_time": words("When it happened.", format="date-time"),
            "ce_subject": words("The entity it is about."),
            "ce_dataschema": words("The `$id` of the JSON Schema of the data."),
            "content-type": words("How the data is written.", const="application/json"),
            "traceparent": words("W3C trace context."),
            "ce_actor": words("Who caused it, as claimed."),
            "ce_causationid": words("The id of the event that led to this one."),
            "ce_correlationid": words("The id of the event or request that all of this began with."),
        },
    }


def _schemas() -> Iterable[tuple[str, Json]]:
    """Every payload, and the objects inside them once each, for a document where all references start at the root."""
    for contract in CONTRACTS:
        body = contract.model_json_schema(schema_generator=_Untitled, ref_template="#/components/schemas/{model}")
        inner = body.pop("$defs", {})
        yield contract.type(), {**body, "title": contract.type()}
        yield from inner.items()
