"""Use cases of bank statements. One function is one transaction: know whose it is, find what is new, keep, tell."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from services.payments.domain import is_reserved
from services.payments.feeds import BankFile, Entry, Kind, NotTaken, Statement, name_originals
from services.payments.statements import store
from services.payments.statements.proving import (
    Accounted,
    Follows,
    Joint,
    Link,
    accounted,
    chain,
    days_of,
    sums_of,
)
from services.payments.statements.spool import Spool
from services.payments.statements.store import (
    Content,
    NewStatement,
    Original,
    ShownEntry,
    Source,
    StoredEntry,
    StoredFile,
    StoredStatement,
)
from shared import accounts, currency, outbox, reference, topics
from shared.contracts.feeds import PaymentReceived, Remitter
from shared.crashpoint import crashpoint
from shared.outbox import Event, Origin
from shared.postgres import Connection
from shared.refusal import Refused

_SHOWN_PROBLEMS: Final = 50
SHOWN_ENTRIES: Final = 1_000  # of each statement, in the answer to an upload
_CHAIN: Final = 1_000  # statements that are looked back over
_SLICE: Final = 1_000  # entries done at a time, so that a large file holds up neither the process nor its transaction


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent: its bytes, what they say, and the source that was named with it."""

    file: Spool
    content: BankFile | NotTaken
    source: str | None


@dataclass(frozen=True, slots=True)
class _Told:
    """An entry with its original named and its account cut, where it stands, and the event that sends it on if new."""

    statement: int
    position: int
    entry: Entry
    event: Event | None


async def take_file(
    db: Connection, upload: Upload, *, account_key: bytes, now: datetime, origin: Origin
) -> StoredFile | Refused:
    """Keeps the file, its statements and entries, and sends on every entry that was not sent on before.

    The same bytes again change nothing and answer the same.
    """
    if isinstance(upload.content, NotTaken):
        return not_taken(upload.content)
    sources = await _sources(db, upload.content, upload.source, now=now)
    if isinstance(sources, Refused):
        return sources
    await store.lock_sources(db, {source.id for source in sources})
    file = upload.file
    file_id = await store.add_file(db, file.sha256, upload.content.format, file.size_bytes, origin.actor, now)
    if file_id is not None:
        await store.add_pieces(db, file_id, file.pieces())
        statements = zip(sources, upload.content.statements, strict=True)
        new = [NewStatement(source.id, one, *days_of(one)) for source, one in statements]
        ids = await store.add_statements(db, file_id, new)
        told = await _tell(db, upload.content, sources, account_key, now)
        while some := list(islice(told, _SLICE)):
            await store.add_entries(
                db,
                [
                    ShownEntry(
                        ids[one.statement], one.position, sources[one.statement].id, one.entry, one.event is not None
                    )
                    for one in some
                ],
            )
            await outbox.add(db, [one.event for one in some if one.event is not None], origin)
            crashpoint("statements.slice_added")
    stored = await store.get_file(db, file.sha256, entries=SHOWN_ENTRIES)
    assert stored is not None, "it was added, here or by whom we waited for"
    return stored


async def look_at_file(db: Connection, upload: Upload, *, account_key: bytes, now: datetime) -> StoredFile | Refused:
    """What `take_file` would do, with ids of 0, and nothing kept."""
    if isinstance(upload.content, NotTaken):
        return not_taken(upload.content)
    sources = await _sources(db, upload.content, upload.source, now=None)
    if isinstance(sources, Refused):
        return sources
    entries: list[list[StoredEntry]] = [[] for _ in sources]
    told = await _tell(db, upload.content, sources, account_key, now)
    while some := list(islice(told, _SLICE)):
        for one in some:
            if one.position < SHOWN_ENTRIES:
                entries[one.statement].append(StoredEntry(one.position, one.entry))
        await asyncio.sleep(0)  # others' turn
    statements = tuple(
        _looked_at(source, statement, its_entries)
        for source, statement, its_entries in zip(sources, upload.content.statements, entries, strict=True)
    )
    file = upload.file
    return StoredFile(0, upload.content.format, file.sha256, file.size_bytes, "", now, statements)


def _looked_at(source: Source, statement: Statement, entries: Sequence[StoredEntry]) -> StoredStatement:
    first_day, last_day = days_of(statement)
    return StoredStatement(
        id=0,
        file_id=0,
        source_id=source.id,
        source=source.name,
        bank_id=statement.id,
        account=statement.account,
        currency=statement.currency,
        opening=statement.opening,
        closing=statement.closing,
        first_day=first_day,
        last_day=last_day,
        page=statement.page,
        line=statement.line,
        problems=statement.problems,
        sums=sums_of(statement),
        entries=tuple(entries),
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a statement beyond what it says: where the money of its entries is, and what came before it."""

    accounted: Accounted
    joint: Joint


async def prove(db: Connection, statement: StoredStatement) -> Proof:
    """The proof of a statement as of now; on one snapshot, so that its parts belong together."""
    found = accounted(await store.places(db, statement.id))
    links = await store.links(db, statement.source_id, until=statement.last_day, limit=_CHAIN)
    joint = next((joint for joint in chain(links) if joint.link.id == statement.id), None)
    return Proof(found, joint or Joint(link_of(statement), Follows.UNKNOWN))


async def chain_of(db: Connection, source_id: int) -> list[Joint]:
    """How the latest statements of an account follow each other."""
    return chain(await store.links(db, source_id, until=None, limit=_CHAIN))


def link_of(statement: StoredStatement) -> Link:
    """A statement as a link of its chain."""
    return Link(statement.id, statement.opening, statement.closing, statement.first_day, statement.last_day)


def not_taken(file: NotTaken) -> Refused:
    """The refusal of a file, with every place that is wrong."""
    problems = [{"where": problem.where, "what": problem.what} for problem in file.problems[:_SHOWN_PROBLEMS]]
    first = file.problems[0]
    more = f" (and {len(file.problems) - 1} more)" if len(file.problems) > 1 else ""
    return Refused(
        "invalid_bank_file",
        f"the file is not taken: {first.where}: {first.what}{more}",
        "Nothing was kept; ask the bank for a correct file, or correct the places that problems names.",
        {
            "format": file.format,
            "problems": problems,
            "errors": [{"loc": ["body", one["where"]], "msg": one["what"]} for one in problems],
        },
    )


# ---- whose account is it


async def _sources(db: Connection, file: BankFile, name: str | None, *, now: datetime | None) -> list[Source] | Refused:
    """The source of each statement; the account that `name` is given for is remembered (not without `now`)."""
    if name is not None and is_reserved(name):
        return Refused("invalid_source", f"{name!r} is a name of ours: choose another, such as bank/acme-usd-1")
    accounts = [(one.account, one.currency) for one in file.statements]
    found = await store.find_sources(db, name, accounts)
    by_account = {source.account: source for source in found}
    unknown = sorted(set(accounts) - set(by_account))
    named = next((source for source in found if source.name == name), None)
    if refused := _wrong_name(name, named, unknown, [by_account[one] for one in accounts if one in by_account]):
        return refused
    if unknown and name is not None:
        new = Source(0, name, unknown[0]) if now is None else await store.add_source(db, name, unknown[0], now)
        by_account[new.account] = new
    return [by_account[account] for account in accounts]


def _wrong_name(
    name: str | None, named: Source | None, unknown: Sequence[store.Account], known: Sequence[Source]
) -> Refused | None:
    if unknown and name is None:
        shown = ", ".join(show_account(account) for account, _ in unknown)
        advice = "Send source, such as bank/acme-usd-1; the account keeps it for ever."
        return Refused("source_needed", f"the account {shown} has not reported before, so it needs a name", advice)
    if len(unknown) > 1:
        shown = ", ".join(show_account(account) for account, _ in unknown)
        detail = f"the file shows {len(unknown)} accounts that have not reported before: {shown}"
        return Refused("source_ambiguous", detail, "Upload first a statement of each of them alone, with its source.")
    if unknown and named is not None:
        detail = f"{named.name} is the account {show_account(named.account[0])}, which is not the one in this file"
        return Refused("source_taken", detail, "Send another source for this account.")
    if name is not None and not unknown and all(source.name != name for source in known):
        detail = f"the account {show_account(known[0].account[0])} reports as {known[0].name} already, not as {name}"
        return Refused("source_conflict", detail, f"Send {known[0].name} as the source, or none.")
    return None


# ---- what is new


async def _tell(
    db: Connection, file: BankFile, sources: Sequence[Source], account_key: bytes, now: datetime
) -> Iterator[_Told]:
    """Every entry as it is kept, one after the other, with the event of what was not sent on before."""
    known = await _originals(db, file, sources)
    named = name_originals(
        file.statements, {account: [original.credit for original in those] for account, those in known.items()}
    )
    posted = {
        (source.id, entry.payment_id)
        for source, statement in zip(sources, named, strict=True)
        for entry in statement.entries
        if entry.posted
    }
    before = await store.published(db, posted)
    keys = _keys_of_originals(known, named)

    def tell(source: Source, shown: Entry) -> tuple[Entry, Event | None]:
        said = before.setdefault((source.id, shown.payment_id), [])
        entry = _as_said_before(shown, said)
        account = accounts.cut(entry.remitter_account, account_key)
        kept = replace(entry, remitter_account=str(account) if account else None)
        if not entry.posted or _content(entry) in said:
            return kept, None
        said.append(_content(entry))
        return kept, _event(kept, source, keys.get((source.account, entry.reverses or "")), now)

    return (
        _Told(place, position, *tell(source, entry))
        for place, (source, statement) in enumerate(zip(sources, named, strict=True))
        for position, entry in enumerate(statement.entries)
    )


async def _originals(db: Connection, file: BankFile, sources: Sequence[Source]) -> dict[store.Account, list[Original]]:
    reversals: dict[Source, list[Entry]] = {}
    for source, statement in zip(sources, file.statements, strict=True):
        reversals.setdefault(source, []).extend(e for e in statement.entries if e.kind is Kind.REVERSAL)
    return {
        source.account: await store.originals(db, source.id, entries)
        for source, entries in reversals.items()
        if entries
    }


def _keys_of_originals(
    known: dict[store.Account, list[Original]], statements: Sequence[Statement]
) -> dict[tuple[store.Account, str], str]:
    """The Kafka keys of credits that a reversal may name, so that both go the same way."""
    keys = {
        (account, one.credit.payment_id): key
        for account, those in known.items()
        for one in those
        if (key := _call_key(one.reference, one.remittance))
    }
    named = {entry.reverses for statement in statements for entry in statement.entries}
    for statement in statements:
        for entry in statement.entries:
            if entry.kind is not Kind.CREDIT or entry.payment_id not in named:
                continue
            if key := _call_key(entry.reference, entry.remittance):
                keys[(statement.account, statement.currency), entry.payment_id] = key
    return keys


def _as_said_before(entry: Entry, before: Sequence[Content]) -> Entry:
    """What was once said of a reversal's original is said again: an identity never changes its content by our doing."""
    for *same, reverses in before:
        if entry.kind is Kind.REVERSAL and tuple(same) == _content(entry)[:-1]:
            return replace(entry, reverses=reverses)
    return entry


def _content(entry: Entry) -> Content:
    return (entry.kind, int(entry.amount), entry.currency, entry.value_date, entry.reference, entry.reverses)


def _event(entry: Entry, source: Source, key_of_original: str | None, now: datetime) -> Event:
    remitter = None
    if entry.remitter_name or entry.remitter_account:
        remitter = Remitter(name=entry.remitter_name, account=entry.remitter_account)
    data = PaymentReceived.model_validate(
        {
            "source": source.name,
            "payment_id": entry.payment_id,
            "kind": str(entry.kind),
            "reverses": entry.reverses,
            "amount": currency.text(entry.amount, entry.currency),
            "currency": entry.currency,
            "value_date": entry.value_date,
            "reference": entry.reference,
            "remittance": entry.remittance,
            "remitter": remitter,
            "method": entry.method,
        }
    )
    key = _call_key(entry.reference, entry.remittance) or key_of_original or source.name
    return Event(topics.PAYMENT_RECEIVED, key, f"{source.name}/{entry.payment_id}", data, now)


def _call_key(*texts: str | None) -> str | None:
    """The one call that the texts name, as a key."""
    calls = reference.find(*texts)
    return str(calls[0]) if len(calls) == 1 else None


# ---- account numbers


def show_account(account: str) -> str:
    """An account as people may see it: its last four characters, where that is not most of it."""
    cut = accounts.cut(account, b"")
    return f"…{cut.last4 or ''}" if cut else "…"
