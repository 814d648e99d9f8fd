"""Promises of the HTTP contracts: each service's document is committed, current, and whole."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

REWRITE: Final = "DRAWDOWN_REWRITE_SNAPSHOTS"  # set it to write the committed files anew instead of comparing
SERVICES: Final = ("allocations", "payments", "metrics", "audit")
COMMITTED: Final = Path(__file__).parents[2] / "docs" / "openapi"
METHODS: Final = ("get", "put", "post", "patch", "delete")


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    """What each service says of itself, by its own command, side by side."""
    running = {
        service: subprocess.Popen(
            [sys.executable, "-m", f"services.{service}", "openapi"], stdout=subprocess.PIPE, text=True
        )
        for service in SERVICES
    }
    return {service: process.communicate(timeout=120)[0] for service, process in running.items()}


def operations(document: str) -> Iterable[tuple[str, str, dict[str, Any]]]:
    for path, item in json.loads(document)["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


@pytest.mark.parametrize("service", SERVICES)
def test_committed_openapi_is_current(documents: dict[str, str], service: str) -> None:
    """What others write their programs against is what the service does; `make schemas` brings it up to date."""
    path = COMMITTED / f"{service}.json"
    if os.environ.get(REWRITE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(documents[service])
    assert path.exists(), f"{path.name} was never committed; run `make schemas`"
    assert path.read_text() == documents[service], f"{path.name} is not current; run `make schemas`"


def test_no_route_has_two_owners(documents: dict[str, str]) -> None:
    """One address in front forwards to one service: two services never answer for one path of the API."""
    owners: dict[tuple[str, str], list[str]] = {}
    for service, document in documents.items():
        for path, method, _ in operations(document):
            if path.startswith("/api/"):
                owners.setdefault((path, method), []).append(service)
    assert {route: names for route, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_says_how_it_refuses(documents: dict[str, str], service: str) -> None:
    """A client knows the shape of every refusal: problem+json, with a recommendation."""
    document = json.loads(documents[service])
    problem = document["components"]["schemas"]["ProblemOut"]
    assert {"type", "title", "status", "detail", "code", "recommendation"} <= set(problem["properties"])
    for path, method, operation in operations(documents[service]):
        if path.startswith("/api/"):
            refusals = {
                status: answer for status, answer in operation["responses"].items() if status.startswith(("4", "5"))
            }
            assert refusals, (path, method)
            for status, answer in refusals.items():
                assert "application/problem+json" in answer.get("content", {}), (path, method, status)
