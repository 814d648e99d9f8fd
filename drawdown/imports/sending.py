"""Chunks over HTTP, each sent again until it is answered: its key makes the same chunk answer the same."""

import hashlib
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

_TIMEOUT: Final = httpx.Timeout(30, read=120)  # seconds
_PATIENCE_SECONDS: Final = 120  # without a single answer, or without any progress of what is waited for
_AGAIN: Final = frozenset({429, 502, 503, 504})
_UPLOAD: Final = {"x-drawdown-upload": "1", "content-type": "application/json"}

PROMISES: Final = "/api/imports"
KEYS: Final = "/api/imports/keys"
PAYMENTS: Final = "/api/payments/imports"
UNHEARD: Final = "/api/payments/imports/unheard"

Json = dict[str, Any]


class CannotImport(RuntimeError):
    """The stack could not answer, or does not understand us; what was answered until then is done."""


class Desk:
    """Where chunks are handed in; `say` hears what is waited for, and an empty text once it has come."""

    def __init__(self, front: str, say: Callable[[str], None]) -> None:
        self._http = httpx.Client(base_url=front, timeout=_TIMEOUT, trust_env=False)
        self._say = say
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed = True  # whoever still waits for an answer, gives up
        self._http.close()

    def rehearse(self, path: str, chunk: bytes) -> Json:
        """What would become of a chunk."""
        return self._found(f"{path}/dry-run", chunk)

    def hand_in(self, path: str, chunk: bytes, *, call_ids: Sequence[int] = ()) -> Json:
        """What became of a chunk. Where payments name calls that payments has not heard of yet, it waits for them."""
        headers = {**_UPLOAD, "idempotency-key": f"import-{hashlib.sha256(chunk).hexdigest()}"}
        while True:
            answer = self._ask(path, chunk, headers)
            problem = _json(answer)
            if answer.is_success:
                return problem
            if problem.get("code") != "calls_not_heard_yet":
                said = f"{answer.status_code} {problem.get('code', '')}: {problem.get('detail', '')}"
                raise CannotImport(f"{path} refused the whole chunk: {said}")
            self._wait_for(call_ids)

    def ids_of_calls(self, keys: Sequence[str]) -> dict[str, int]:
        """The ids of those calls that were imported under these keys, by this file or another."""
        ids: dict[str, int] = self._found(KEYS, orjson.dumps({"kind": "call", "keys": keys}))["ids"]
        return ids

    def _wait_for(self, call_ids: Sequence[int]) -> None:
        """Returns once payments has heard of these calls."""
        least, give_up = len(call_ids) + 1, time.monotonic() + _PATIENCE_SECONDS
        while True:
            unheard = int(self._found(UNHEARD, orjson.dumps({"call_ids": call_ids}))["unheard"])
            if unheard == 0:
                self._say("")
                return
            if unheard < least:
                least, give_up = unheard, time.monotonic() + _PATIENCE_SECONDS
            if time.monotonic() > give_up:
                raise CannotImport(f"payments has not heard of {unheard} calls for {_PATIENCE_SECONDS} s")
            self._say(f"waiting until payments has heard of {unheard:,} more calls")
            time.sleep(0.1)

    def _found(self, path: str, body: bytes) -> Json:
        answer = self._ask(path, body, _UPLOAD)
        if not answer.is_success:
            raise CannotImport(f"{path}: {answer.status_code} {answer.text[:200]}")
        return _json(answer)

    def _ask(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """The first answer that decides; a service that is away is waited for."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        pause_seconds = 0.1
        waited = False
        while True:
            try:
                answer = self._http.post(path, content=body, headers=headers)
                if answer.status_code not in _AGAIN and _code(answer) != "request_in_progress":
                    if waited:
                        self._say("")
                    return answer
                why = f"{answer.status_code} {_code(answer)}"
            except (httpx.HTTPError, RuntimeError) as error:  # a RuntimeError where the client is closed
                why = str(error) or type(error).__name__
            if self._closed or time.monotonic() > give_up:
                raise CannotImport(f"no answer from {path} for {_PATIENCE_SECONDS} s ({why})")
            waited = True
            self._say(f"waiting for an answer ({why})")
            time.sleep(pause_seconds)
            pause_seconds = min(2, pause_seconds * 2)


def _json(answer: httpx.Response) -> Json:
    try:
        found = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {}


def _code(answer: httpx.Response) -> str:
    return "" if answer.is_success else str(_json(answer).get("code", ""))
