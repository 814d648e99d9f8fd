"""Promises of the front itself: who may call, what a page may load, and when it is ready."""

import pytest

from tests.web.conftest import Front, listening
from web.app import create_front
from web.settings import WebSettings

READY = {"checks": {"database": {"ok": True}}}


@pytest.mark.parametrize("path", ["/", "/api/funds", "/static/site.css"])
async def test_a_foreign_name_reaches_nothing(front: Front, path: str) -> None:
    """Neither pages nor services answer to a name that is not ours."""
    answer = await front.http.get(path, headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "host_not_allowed")


@pytest.mark.parametrize("path", ["/", "/api/funds", "/static/site.css", "/nothing"])
async def test_a_page_loads_only_what_is_ours(front: Front, path: str) -> None:
    """Every answer carries the policy, the wrong ones too."""
    headers = (await front.http.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; frame-ancestors 'none'")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing", "/static/../app.py", "/livez/"])
async def test_an_unknown_page_is_a_problem(front: Front, path: str) -> None:
    """404 has the shape of every error of the services."""
    answer = await front.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["recommendation"]


async def test_an_impossible_method_is_a_problem(front: Front) -> None:
    """405 names the methods that are possible."""
    answer = await front.http.post("/", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


async def test_ready_when_all_services_are(front: Front) -> None:
    """One that is not ready, or does not answer, makes the front not ready, by name."""
    for echo in front.services.values():
        echo.answers["/readyz"] = READY
    assert (await front.http.get("/readyz")).json()["status"] == "ready"
    front.services["audit"].answers["/readyz"] = {"checks": {"outbox": {"ok": False}, "database": {"ok": True}}}
    answer = await front.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["audit"] == {"ok": False, "why_not": "outbox"}
    async with listening(create_front(WebSettings(audit_url="http://127.0.0.1:1"))) as (alone,):
        assert (await front.http.get(f"{alone}/readyz")).json()["checks"]["audit"]["why_not"] == "does not answer"
        assert (await front.http.get(f"{alone}/livez")).json() == {"status": "ok"}
        assert (await front.http.get(f"{alone}/metrics")).headers["content-type"].startswith("text/plain")
