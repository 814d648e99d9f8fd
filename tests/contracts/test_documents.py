"""Promises of the published documents: current, complete, and true of what the readers do."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]  # ships no types

from shared import topics
from shared.contracts import CONTRACTS, Contract, PaymentReceived, generate
from shared.contracts.documents import asyncapi, schema_of
from tests.contracts.compatibility import breaks

HERE = Path(__file__).parent
RELEASED = HERE / "released"
SAMPLES = HERE / "samples"
BY_TYPE = {contract.type(): contract for contract in CONTRACTS}


def validator(contract: type[Contract]) -> Draft202012Validator:
    schema = schema_of(contract)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def references(document: object) -> Iterable[str]:
    """Every `$ref` in a document."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def pointed(document: Any, reference: str) -> object:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


def test_committed_documents_are_current() -> None:
    """What other people read is what the models say; `make schemas` brings it up to date."""
    assert generate.stale() == []


def test_a_stale_document_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--check` fails on a document that is missing, changed, or of no contract any more."""
    monkeypatch.setattr(generate, "SCHEMAS", tmp_path / "schemas")
    monkeypatch.setattr(generate, "ASYNCAPI", tmp_path / "asyncapi.json")
    assert len(generate.stale()) == len(CONTRACTS) + 1
    generate.write()
    assert generate.stale() == []
    (tmp_path / "schemas" / "fund.changed.v1.json").write_text("{}")
    (tmp_path / "schemas" / "gone.v1.json").write_text("{}")
    assert {path.name for path in generate.stale()} == {"fund.changed.v1.json", "gone.v1.json"}
    generate.write()
    assert generate.stale() == []


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_schemas_take_the_samples(path: Path) -> None:
    """Whoever checks by the JSON Schema takes what our readers take."""
    validator(BY_TYPE[path.stem]).validate(json.loads(path.read_text()))


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "1,000.00"},
        {"amount": 1.5},
        {"amount": "1e3"},
        {"amount": -1},
        {"amount": None},
        {"amount": True},
        {"currency": "usd"},
        {"value_date": "02.03.2026"},
        {"value_date": 20260302},
        {"call_id": 0},
        {"call_id": "17"},
        {"kind": "debit"},
        {"source": ""},
        {"source": "s" * 101},
        {"remittance": "a\0b"},
        {"remitter": "Acme"},
    ],
    ids=str,
)
def test_schemas_refuse_what_readers_refuse(changes: dict[str, Any]) -> None:
    """A bank can find its mistakes with the published schema, before it sends anything."""
    sample = json.loads((SAMPLES / "payment.received.v1.json").read_text())
    assert not validator(PaymentReceived).is_valid({**sample, **changes})


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    """A document with a dangling reference is refused by every tool."""
    document = asyncapi()
    found = list(references(document))
    assert found
    for reference in found:
        assert pointed(document, reference) is not None


def test_asyncapi_names_every_topic() -> None:
    """Every topic has its channel, somebody who writes it, and somebody who reads it."""
    document = asyncapi()
    assert {channel["address"] for channel in document["channels"].values()} == {*topics.ALL, "{topic}.dlt"}
    for topic in topics.ALL:
        mine = [o for o in document["operations"].values() if o["channel"]["$ref"] == f"#/channels/{topic}"]
        assert {operation["action"] for operation in mine} == {"send", "receive"}


def test_audit_hears_everything() -> None:
    """The documents say so of the one service that reads all topics."""
    operations = asyncapi()["operations"]
    assert {f"audit.hears.{topic}" for topic in topics.ALL} <= set(operations)


def test_released_versions_are_kept() -> None:
    """A version that was published stays as it was; only optional members may come to it."""
    for path in sorted(RELEASED.glob("*.json")):
        assert path.stem in BY_TYPE, f"{path.stem} was published; its readers are still there"
        assert breaks(json.loads(path.read_text()), schema_of(BY_TYPE[path.stem])) == []
    assert {path.stem for path in RELEASED.glob("*.json")} == set(BY_TYPE)
