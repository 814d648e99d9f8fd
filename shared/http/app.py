"""The FastAPI application of a service: its routes, one shape for every error, and its own OpenAPI document."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Match

from shared.http import health
from shared.http.middleware import UPLOAD_HEADER, BodyGuard, Envelope, HostGuard
from shared.http.port import RuntimePort
from shared.http.problems import EVERYWHERE, Problem, ProblemOut

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_REF: Final = "#/components/schemas/{model}"
_NOT_A_VALUE: Final = {"missing", "json_invalid", "not_json"}


def upload() -> dict[str, Any]:
    """The `openapi_extra=` of a route that takes a file.

    It needs the upload header instead of JSON, and may be as large as the setting ``upload_limit_bytes``. Its path must
    have no parameters.
    """
    header = {
        "name": UPLOAD_HEADER,
        "in": "header",
        "required": True,
        "description": "Shows that no other site's page sent the file.",
        "schema": {"type": "string", "const": "1"},
    }
    return {"x-upload": True, "parameters": [header]}


def create_app(
    service: str,
    routers: Sequence[APIRouter],
    *,
    lifespan: Lifespan | None = None,
    state: RuntimePort,
) -> FastAPI:
    """The application of `service`; requests find `state` as ``app.state.runtime``.

    Routers are flat: what is asked of every route would not be asked of those in a router within a router.
    """
    routes = [_flat(route) for router in routers for route in router.routes]
    uploads = [
        (method, route.path)
        for route in routes
        if (route.openapi_extra or {}).get("x-upload")
        for method in route.methods or ()
    ]
    app = FastAPI(
        title=f"Drawdown: {service}",
        version="1",
        openapi_url=f"/api/{service}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=EVERYWHERE,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(Envelope),
            Middleware(HostGuard, hosts=state.settings.allowed_hosts.split(",")),
            Middleware(BodyGuard, uploads=uploads, upload_limit_bytes=state.settings.upload_limit_bytes),
        ],
    )
    app.state.runtime = state
    for router in (*routers, health.router):
        app.include_router(router)
    show_problems(app, routes)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # the way FastAPI's own manual shows
    return app


def _flat(route: object) -> APIRoute:
    if not isinstance(route, APIRoute):
        raise TypeError(
            f"{route} is not a route: give each router to the application itself, or its routes in one list"
        )
    return route


def show_problems(app: FastAPI, routes: Sequence[APIRoute] = ()) -> None:
    """Shows every error that a route or the routing raises as a problem."""

    async def show(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def show_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_of_validation(error.errors()).response()

    async def show_other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem_of_http(request, error, routes).response()

    app.add_exception_handler(Problem, show)
    app.add_exception_handler(RequestValidationError, show_invalid)
    app.add_exception_handler(HTTPException, show_other)


def problem_of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """400 for what cannot be read at all (a parameter, a body that is no JSON object), 422 for wrong values."""
    shown = [{"loc": list(error["loc"]), "msg": error["msg"]} for error in errors]
    first = shown[0]
    detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if any(error["loc"][0] != "body" for error in errors):
        return Problem(400, "parameter_unreadable", detail, facts={"errors": shown})
    if any(_is_unreadable(error) for error in errors):
        return Problem(400, "body_unreadable", detail, facts={"errors": shown})
    return Problem(422, "invalid_value", detail, facts={"errors": shown})


def _is_unreadable(error: Mapping[str, Any]) -> bool:
    whole = len(error["loc"]) == 1 or error["type"] == "json_invalid"
    return whole and (error["type"] in _NOT_A_VALUE or error["type"].endswith("_type"))


def problem_of_http(request: Request, error: HTTPException, routes: Sequence[APIRoute] = ()) -> Problem:
    """The problem that shows what the framework refused by itself; `routes` tell which methods a path has."""
    path = request.url.path
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return Problem(404, "not_found", f"there is nothing at {path}")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = sorted(_methods_at(request, routes)) or (error.headers or {}).get("Allow", "GET").split(", ")
            detail = f"{request.method} is not possible at {path}"
            return Problem(405, "method_not_allowed", detail, headers={"Allow": ", ".join(allowed)})
        case HTTPStatus.BAD_REQUEST:
            return Problem(400, "body_unreadable", "the body cannot be read")
        case status:
            return Problem(status, HTTPStatus(status).name.lower(), str(error.detail), headers=error.headers)


def _methods_at(request: Request, routes: Sequence[APIRoute]) -> set[str]:
    """Every method of the path: the router itself names only those of the first route it finds there."""
    return {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the schema of problems that its responses refer to."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemOut.model_json_schema(ref_template=_REF)
        schemas.update(problem.pop("$defs", {}))
        schemas["ProblemOut"] = problem
        document["components"]["schemas"] = dict(sorted(schemas.items()))
        app.openapi_schema = document
    return app.openapi_schema
