"""The index page: what runs, and every fund with its totals, asked of the services at the moment of the request."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

import httpx


def template(name: str) -> Template:
    return Template((Path(__file__).parent / "templates" / f"{name}.html").read_text(encoding="utf-8"))


_INDEX: Final = template("index")
_SERVICE: Final = template("service")
_FUNDS: Final = template("funds")
_FUND: Final = template("fund")
_PROGRESS: Final = template("progress")
_EMPTY: Final = template("empty").substitute()
_UNKNOWN: Final = template("unknown").substitute()
_AMOUNTS: Final = (
    "total_committed",
    "total_called",
    "total_funded",
    "outstanding_calls",
    "overdue",
    "uncalled_capital",
)

_PATIENCE_SECONDS: Final = 2
_FUNDS_SHOWN: Final = 50

ROLES: Final[Mapping[str, str]] = {
    "allocations": "owns promises: funds, deals, commitments, capital calls",
    "payments": "owns cash: bank statements, matching, what each call was paid",
    "metrics": "owns what people look at: totals, progress, calendars",
    "audit": "owns the record: every event and action, chained",
}


@dataclass(frozen=True, slots=True)
class Service:
    """One service, as its readiness shows it."""

    name: str
    ready: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class Fund:
    """One fund and its totals; None while metrics has not answered for it."""

    id: int
    name: str
    currency: str
    capital: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Funds:
    """The funds shown, and whether there are more; `known` is False when nobody could be asked."""

    shown: Sequence[Fund]
    more: bool
    known: bool


class Ledger:
    """The services, asked for what a page shows. A service that is away leaves a gap, never an error."""

    def __init__(self, services: Mapping[str, str], client: httpx.AsyncClient) -> None:
        self._services = services
        self._client = client

    async def readiness(self) -> list[Service]:
        return await asyncio.gather(*(self._ready(name) for name in self._services))

    async def _ready(self, name: str) -> Service:
        found = await self.ask(name, "/readyz")
        if found is None:
            return Service(name, ready=False, why_not="does not answer")
        failed = [check for check, result in found.get("checks", {}).items() if not result.get("ok")]
        return Service(name, ready=not failed, why_not=", ".join(failed))

    async def funds(self) -> Funds:
        page = await self.ask("allocations", f"/api/funds?limit={_FUNDS_SHOWN}")
        if page is None or "items" not in page:
            return Funds((), more=False, known=False)
        totals = await asyncio.gather(
            *(self.ask("metrics", f"/api/funds/{fund['id']}/capital") for fund in page["items"])
        )
        shown = [
            Fund(
                fund["id"],
                fund["name"],
                fund["currency"],
                capital if capital and "total_committed" in capital else None,
            )
            for fund, capital in zip(page["items"], totals, strict=True)
        ]
        return Funds(shown, more=page.get("next") is not None, known=True)

    async def ask(self, service: str, path: str) -> dict[str, Any] | None:
        """The JSON object there, of whatever status; None when the service gives none in time."""
        try:
            url = httpx.URL(self._services[service]).join(path)
            answer = await self._client.get(url, timeout=_PATIENCE_SECONDS, headers={"host": "localhost"})
            found = answer.json()
        except (httpx.HTTPError, ValueError):
            return None
        return found if isinstance(found, dict) else None


def index(services: Sequence[Service], funds: Funds) -> str:
    """The page as HTML."""
    return _INDEX.substitute(services="".join(map(_service, services)), funds=_funds(funds))


def filled(template: Template, **texts: str) -> str:
    """The template with every text escaped: what stands in the ledger is never markup."""
    return template.substitute({name: escape(text) for name, text in texts.items()})


def _service(service: Service) -> str:
    return filled(
        _SERVICE,
        name=service.name,
        role=ROLES.get(service.name, ""),
        state="ready" if service.ready else "away",
        word="ready" if service.ready else f"not ready: {service.why_not}",
    )


def _funds(funds: Funds) -> str:
    if not funds.known:
        return _UNKNOWN
    if not funds.shown:
        return _EMPTY
    more = '<p>These are the first of more: <a href="/api/funds">all funds</a>.</p>' if funds.more else ""
    return _FUNDS.substitute(rows="".join(map(_fund, funds.shown)), more=more)


def _fund(fund: Fund) -> str:
    capital = fund.capital or {}
    texts = {member: readable(capital.get(member)) for member in _AMOUNTS}
    texts |= {"id": str(fund.id), "name": fund.name, "currency": fund.currency}
    safe = {name: escape(text) for name, text in texts.items()}
    return _FUND.substitute(safe, progress=_progress(fund.name, capital.get("collection_rate")))


def _progress(name: str, rate: object) -> str:
    """How much of what was called has arrived, as a bar and in figures; a dash while nothing is called."""
    if isinstance(rate, bool) or not isinstance(rate, int | float | str):
        return "–"
    return filled(_PROGRESS, name=name, rate=str(rate))


def readable(amount: object) -> str:
    """An amount with thousands apart, digit for digit; a dash where there is none."""
    if not isinstance(amount, str):
        return "–"
    whole, point, decimals = amount.partition(".")
    return f"{int(whole):,}{point}{decimals}" if whole.isdecimal() else amount
