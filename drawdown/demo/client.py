"""The demo as a client: it knows the HTTP API and nothing else."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx

_PATIENCE_SECONDS: Final = 60
_LOOK_SECONDS: Final = 0.1


class DemoFailed(RuntimeError):
    """Something was not as the story has it; the message says what."""


class Client:
    """One front address, asked as the person ``demo``."""

    def __init__(self, front: str) -> None:
        self._http = httpx.Client(base_url=front, timeout=30, trust_env=False, headers={"x-actor": "demo"})

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str | int) -> Any:
        return self._answer(self._http.get(path, params=parameters))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer(self._http.post(path, json=body))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer(self._http.put(path, json=body))

    def post_or_none(self, path: str, body: dict[str, Any]) -> Any | None:
        """None while the service has not heard of what the path names."""
        answer = self._http.post(path, json=body)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._answer(answer)

    def upload(self, path: str, name: str, content: bytes, **parameters: str) -> Any:
        """A file, as a form of one field."""
        files = {"file": (name, content, "application/xml")}
        return self._answer(self._http.post(path, files=files, params=parameters, headers={"x-drawdown-upload": "1"}))

    def every(self, path: str, **parameters: str | int) -> Iterator[Any]:
        """All items of a list, page after page."""
        page = self.get(path, **parameters)
        yield from page["items"]
        while page["next"]:
            page = self.get(path, **{**parameters, "cursor": page["next"]})
            yield from page["items"]

    def wait(self, what: str, question: Callable[[], Any]) -> Any:
        """The first answer that is not None; fails with `what` when none comes."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (answer := question()) is None:
            if time.monotonic() > deadline:
                raise DemoFailed(f"{what} did not happen within {_PATIENCE_SECONDS} s")
            time.sleep(_LOOK_SECONDS)
        return answer

    @staticmethod
    def _answer(answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        request = answer.request
        raise DemoFailed(f"{request.method} {request.url.path} was answered {answer.status_code}: {answer.text[:500]}")
