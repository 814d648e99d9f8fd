"""Health: is the process alive, can it do its work, and what has it counted."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from shared import telemetry
from shared.http.port import runtime_of

router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers; nothing else is asked."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Every check by name; 503 when one of them fails."""
    runtime = runtime_of(request)
    checks = {name: dict(check) for name, check in (await runtime.checks()).items()}
    ready = all(check.get("ok") for check in checks.values())
    answer = {"service": runtime.name, "status": "ready" if ready else "not_ready", "checks": checks}
    return JSONResponse(answer, 200 if ready else 503, headers={"Cache-Control": "no-store"})


@router.get("/metrics")
async def metrics() -> Response:
    """Prometheus text."""
    return Response(telemetry.exposition(), media_type=telemetry.EXPOSITION_MEDIA_TYPE)
