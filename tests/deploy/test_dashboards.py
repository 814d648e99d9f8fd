"""Promises of the dashboards: Grafana can import them, and each query asks for something that a service exposes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.middleware import Middleware

from drawdown.localstack.waiting import finish
from services.allocations import app as allocations
from services.allocations.reallocation.api.contract import _MEASURED, ContractRoute
from shared.http import Problem
from shared.http.middleware import Envelope
from shared.telemetry import exposition

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "dashboards"
DASHBOARDS: Final = sorted(FOLDER.glob("*.json"))

_SELECTOR: Final = re.compile(r"\b(?P<metric>drawdown_\w+)(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER: Final = re.compile(r'\s*(?P<label>\w+)="(?P<value>[^"]*)"\s*')
_GROUPED: Final = re.compile(r"\b(?:by|without) \((?P<labels>[^)]*)\)")
_SHOWN: Final = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Series:
    """One line of what a service exposes."""

    metric: str
    labels: dict[str, str]


@pytest.fixture(scope="module")
def exposed() -> list[Series]:
    """What allocations exposes once its measured routes have ended in each way that they can."""
    assert callable(allocations.build), "the whole service is imported, with every metric that it registers"
    router = APIRouter(route_class=ContractRoute)

    async def ends(status: int) -> dict[str, str]:
        if status == 500:
            raise RuntimeError("a mistake of ours")
        if status != 200:
            raise Problem(status, "of_this_test", "ended as it was asked to")
        return {}

    for name in _MEASURED:
        router.add_api_route(f"/{name}", ends, name=name)
    app = FastAPI(middleware=[Middleware(Envelope)])
    app.include_router(router)
    finish(_end_in_every_way(app))
    families = text_string_to_metric_families(exposition().decode())
    return [Series(sample.name, dict(sample.labels)) for family in families for sample in family.samples]


async def _end_in_every_way(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        for name in _MEASURED:
            for status in (200, 400, 404, 409, 422, 500):
                await http.get(f"/{name}", params={"status": status})


def queries(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every query and how its series are named."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


def complaints(expr: str, legend: str, exposed: list[Series]) -> list[str]:
    """What a query names that nobody exposes: a metric, a label, or a label's value."""
    found = []
    known: set[str] = set()
    selectors = list(_SELECTOR.finditer(expr))
    for selector in selectors:
        series = [one for one in exposed if one.metric == selector["metric"]]
        known |= {label for one in series for label in one.labels}
        text = selector["matchers"] or ""
        matchers = [match for part in text.split(",") if part if (match := _MATCHER.fullmatch(part))]
        wanted = {match["label"]: match["value"] for match in matchers}
        if len(wanted) != len([part for part in text.split(",") if part]):
            found.append(f"{selector[0]}: cannot be read")
        elif not any(wanted.items() <= one.labels.items() for one in series):
            found.append(f"{selector[0]}: nobody exposes it")
    grouped = [label.strip() for match in _GROUPED.finditer(expr) for label in match["labels"].split(",")]
    found += [f"{label}: no such label" for label in [*grouped, *_SHOWN.findall(legend)] if label not in known]
    return found if selectors else [f"{expr}: asks for nothing of ours"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_can_be_imported(path: Path) -> None:
    """Valid JSON without an id of another Grafana, each panel with an id and a place of its own, and whoever imports
    it chooses the data source."""
    dashboard = json.loads(path.read_text())
    assert dashboard["id"] is None
    assert dashboard["title"]
    assert dashboard["uid"]
    panels = dashboard["panels"]
    assert panels
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells), "panels lie on each other"
    assert max(x for x, _ in cells) < 24
    [variable] = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
    assert variable["query"] == "prometheus"
    sources = [one["datasource"] for panel in panels for one in (panel, *panel["targets"])]
    assert {source["uid"] for source in sources} == {"${" + variable["name"] + "}"}
    for panel in panels:
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_every_query_finds_something(path: Path, exposed: list[Series]) -> None:
    """Each metric, label and value that a query names is one that the running service exposes."""
    asked = list(queries(json.loads(path.read_text())))
    assert asked
    assert [complaint for expr, legend in asked for complaint in complaints(expr, legend, exposed)] == []


def test_what_must_be_watched_is() -> None:
    """The dashboard of reallocation shows both latencies by their percentiles, both rates, and the history's size."""
    asked = [expr for expr, _ in queries(json.loads((FOLDER / "reallocation.json").read_text()))]
    for operation in ("preview", "commit"):
        for quantile in ("0.5", "0.95", "0.99"):
            wanted = f"histogram_quantile({quantile},"
            assert any(expr.startswith(wanted) and f'operation="{operation}"' in expr for expr in asked)
        for outcome in ("conflict", "invalid"):
            assert any(f'operation="{operation}", outcome="{outcome}"' in expr and "/" in expr for expr in asked)
    assert any("drawdown_reallocation_audit_bytes" in expr for expr in asked)


@pytest.mark.parametrize(
    "expr",
    [
        "rate(drawdown_reallocation_request_total[5m])",
        'rate(drawdown_reallocation_requests_total{operation="comit"}[5m])',
        'rate(drawdown_reallocation_requests_total{outcome="refused"}[5m])',
        'rate(drawdown_reallocation_requests_total{fund="1"}[5m])',
        'rate(drawdown_reallocation_requests_total{operation=~"c.*"}[5m])',
        "sum by (status) (rate(drawdown_reallocation_requests_total[5m]))",
        "vector(0)",
    ],
)
def test_a_wrong_query_is_found(expr: str, exposed: list[Series]) -> None:
    """The rule complains of a metric, a label and a value that nobody exposes, and of what it cannot read."""
    assert len(complaints(expr, "", exposed)) == 1
