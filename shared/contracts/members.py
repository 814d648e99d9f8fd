"""Hot events read as plain dicts of their members: checked by the very schemas of their contract, without its objects.

To make a model of each event costs as much as to check it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pydantic import ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, core_schema

from shared.contracts.base import Contract, decode

Members: TypeAlias = dict[str, Any]  # every member of a contract by name; parts are dicts too

_WRAPPERS: Final = frozenset({"default", "nullable"})


def reader_of(
    contract: type[Contract], agree: Callable[[Mapping[str, Any]], None] | None = None
) -> Callable[[bytes], Members]:
    """What reads the bytes of an event as `decode` does, into its members; it raises `Unreadable` for the same bytes.

    `agree` is what the contract checks of its members together, if it does; it raises as a pydantic validator does.
    Whatever is not plainly right is given to `decode`, which has the last word and the words.
    """
    schema = contract.__pydantic_core_schema__
    while schema["type"] == "function-after":
        schema = schema["schema"]
    validate = SchemaValidator(_as_dict(schema)).validate_json

    def read(data: bytes) -> Members:
        if len(data) <= contract.limit_bytes and b"NaN" not in data and b"Infinity" not in data:
            try:
                members: Members = validate(data)
                if agree is not None:
                    agree(members)
            except (ValidationError, PydanticCustomError):
                pass
            else:
                return members
        return decode(contract, data).model_dump()

    return read


def _as_dict(schema: CoreSchema) -> CoreSchema:
    """The same schema with dicts in place of models; other schemas stay as they are."""
    if schema["type"] == "model":
        fields: dict[str, Any] = schema["schema"]["fields"]
        return core_schema.typed_dict_schema(
            {
                name: core_schema.typed_dict_field(
                    _as_dict(field["schema"]), required=field["schema"]["type"] != "default"
                )
                for name, field in fields.items()
            },
            extra_behavior="ignore",
            config=schema.get("config"),
        )
    if schema["type"] == "list":
        return {**schema, "items_schema": _as_dict(schema["items_schema"])}
    if schema["type"] in _WRAPPERS:
        return {**schema, "schema": _as_dict(schema["schema"])}
    return schema
