"""The desk of a fund operator: what people do over HTTP, and what they look at, in the words of the domain."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.support.house import House

DUE: Final = "2031-03-17"  # far enough ahead that nothing is overdue by itself
_NUMBERS: Final = itertools.count(1)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """Works through the front of one house."""

    house: House

    @property
    def http(self) -> httpx.Client:
        return self.house.http

    # ---- what people do

    def post(self, path: str, body: Json, *, expect: int | None = None, **headers: str) -> Json:
        """The answer of a write; asserts its status, 2xx where none is named."""
        return self._write("POST", path, body, expect, headers)

    def put(self, path: str, body: Json, *, expect: int | None = None, **headers: str) -> Json:
        """The same of what is put in the place of something."""
        return self._write("PUT", path, body, expect, headers)

    def _write(self, method: str, path: str, body: Json, expect: int | None, headers: Mapping[str, str]) -> Json:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.http.request(method, path, json=body, headers=named)
        wanted = range(200, 300) if expect is None else [expect]
        assert response.status_code in wanted, f"{path}: {response.status_code} {response.text}"
        answer: Json = response.json()
        return answer

    def get(self, path: str, query: Json | None = None, *, expect: int = 200) -> Json:
        """The answer of a read; asserts its status."""
        response = self.http.get(path, params=query)
        assert response.status_code == expect, f"{path}: {response.status_code} {response.text}"
        answer: Json = response.json()
        return answer

    def fund(self, *, currency: str = "USD", time_zone: str = "America/New_York") -> Json:
        body = {"name": f"Fund {next(_NUMBERS)}", "currency": currency, "time_zone": time_zone, "size": "90000000"}
        return self.post("/api/funds", body)

    def deal(self) -> Json:
        return self.post("/api/deals", {"name": f"Deal {next(_NUMBERS)}"})

    def allocation(self, committed: str, *, fund: Json | None = None, schedule: Json | None = None) -> Json:
        fund_id = (fund or self.fund())["id"]
        body: Json = {"fund_id": fund_id, "deal_id": self.deal()["id"], "committed": committed}
        if schedule is not None:
            body["schedule"] = schedule
        return self.post("/api/allocations", body, expect=201)

    def call(self, allocation: Json, amount: str, *, due: str = DUE) -> Json:
        return self.post(f"/api/allocations/{allocation['id']}/calls", {"amount": amount, "due_date": due}, expect=201)

    def pay(self, call: Json, amount: str, tx_ref: str, *, expect: int | None = 201) -> Json:
        body = {"amount": amount, "tx_ref": tx_ref, "value_date": "2026-03-02"}
        return self.post(f"/api/capital-calls/{call['id']}/payments", body, expect=expect)

    # ---- what banks do

    def entry(self, payment_id: str, amount: str, **more: Any) -> Json:
        """A credit as a banking feed reports it."""
        return {
            "source": "bank/acme-usd-1",
            "payment_id": payment_id,
            "kind": "credit",
            "amount": amount,
            "currency": "USD",
            "value_date": "2026-03-02",
            **more,
        }

    def bank(self, *entries: Json) -> None:
        """Publishes entries on `payment.received`, in this order under one key."""
        self.house.publish_all([("payment.received", "acme", entry) for entry in entries])

    # ---- what people look at

    def seen_allocation(self, allocation: Json) -> Json:
        return self.get(f"/api/allocations/{allocation['id']}")

    def seen_call(self, call: Json) -> Json:
        return self.get(f"/api/capital-calls/{call['id']}")

    def capital(self, fund_id: int) -> Json:
        return self.get(f"/api/funds/{fund_id}/capital")

    def held(self, payment_id: str) -> Json:
        """The held payment of that bank reference."""
        cursor: str | None = None
        while True:
            page = self.get("/api/payments", {"status": "held", "limit": 200, **({"cursor": cursor} if cursor else {})})
            for payment in page["items"]:
                if payment["payment_id"] == payment_id:
                    found: Json = payment
                    return found
            cursor = page["next"]
            assert cursor, f"{payment_id} is not held"

    def until(self, path: str, wanted: Json, *, seconds: float = 15) -> Json:
        """Asks again until the answer has these members; says what differs when it never does."""
        deadline = time.monotonic() + seconds
        while True:
            response = self.http.get(path)
            answer: Json = response.json()
            if {key: answer.get(key) for key in wanted} == wanted:
                return answer
            if time.monotonic() > deadline:
                shown = {key: answer.get(key) for key in wanted}
                raise AssertionError(f"{path} ({response.status_code}): {shown} is not {wanted}")
            time.sleep(0.02)
