"""Reserves over HTTP: what a fund has, what a proposal comes to, and doing it once however often it must be sent."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from drawdown.asking import answer, pages

Json = dict[str, Any]

TIMEOUT: Final = httpx.Timeout(30, read=120)
_PATIENCE_SECONDS: Final = 60  # without an answer that decides
_AGAIN: Final = frozenset({429, 502, 503, 504})


class Unanswered(RuntimeError):
    """Nobody can say whether a write was done; the message says how to find out."""


@dataclass(frozen=True, slots=True)
class Book:
    """A fund's reserves as they are now, in minor units of its currency, under one version."""

    fund_id: int
    fund: str
    currency: str
    version: int
    total: int
    companies: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Desk:
    """Works on one fund's reserves; `say` hears what is waited for."""

    http: httpx.Client
    fund_id: int
    say: Callable[[str], None]

    @property
    def path(self) -> str:
        return f"/api/funds/{self.fund_id}/reallocation"

    def book(self) -> Book:
        """The reserves as they are now; version 0 where none were set up."""
        fund = answer(self.http.get(f"/api/funds/{self.fund_id}"))
        told = answer(self.http.get(self.path))
        return Book(
            self.fund_id, fund["name"], fund["currency"], told["version"], told["total_cents"], told["companies"]
        )

    def preview(self, proposal: Json) -> httpx.Response:
        """What a proposal comes to, or why it comes to nothing."""
        return self.http.post(f"{self.path}/preview", content=_bytes(proposal), headers=_JSON)

    def commit(self, body: Json) -> httpx.Response:
        """Does what a preview showed. The body has its version and digest, so it is one request for ever."""
        return self._write("POST", f"{self.path}/commit", _bytes(body))

    def set_up(self, companies: Sequence[Json], reason: str | None, *, version: int) -> httpx.Response:
        """What companies have and may have from now on, if the reserves are still at that version."""
        body = {"reserves": companies, "current_version": version} | ({} if reason is None else {"reason": reason})
        return self._write("PUT", f"/api/funds/{self.fund_id}/reserves", _bytes(body))

    def history(self, asked: Mapping[str, str], *, most: int | None = None) -> Iterator[Json]:
        """The versions of the reserves, the newest first."""
        return pages(self.http, f"{self.path}/audit", asked, most=most)

    def since(self, version: int, *, most: int = 10) -> list[Json]:
        """Who made the versions after this one, the newest first."""
        return [entry for entry in self.history({}, most=most) if entry["new_version"] > version]

    def _write(self, method: str, path: str, body: bytes) -> httpx.Response:
        """The first answer that decides. Its key names the request, so what broke on the way is sent again and done
        once."""
        headers = {**_JSON, "idempotency-key": f"reserves/{hashlib.sha256(body).hexdigest()}"}
        give_up = time.monotonic() + _PATIENCE_SECONDS
        pause_seconds = 0.1
        while True:
            try:
                told = self.http.request(method, path, content=body, headers=headers)
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
            else:
                if told.status_code not in _AGAIN and problem_of(told).get("code") != "request_in_progress":
                    return told
                why = f"{told.status_code} {problem_of(told).get('code', '')}".strip()
            if time.monotonic() > give_up:
                raise Unanswered(
                    f"no answer for {_PATIENCE_SECONDS} s ({why}); `drawdown reserves history {self.fund_id}` says"
                    " whether it was done"
                )
            self.say(f"no answer yet ({why}); sent again, done once")
            time.sleep(pause_seconds)
            pause_seconds = min(2, pause_seconds * 2)


_JSON: Final = {"content-type": "application/json"}


def _bytes(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def problem_of(told: httpx.Response) -> Json:
    """The members of a problem; none of an answer that is no problem."""
    if told.is_success:
        return {}
    try:
        found = told.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def exact(told: httpx.Response) -> Json:
    """An answer with its percents as they are written; amounts are whole numbers anyway."""
    found: Json = json.loads(told.text, parse_float=str)
    return found
