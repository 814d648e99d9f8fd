"""What HTTP shows of bank statements: files, statements, entries, proofs, accounts."""

from datetime import date, datetime

from pydantic import BaseModel

from services.payments.statements.handlers import Proof, show_account
from services.payments.statements.proving import Joint, Sums
from services.payments.statements.store import Became, StoredEntry, StoredFile, StoredStatement
from shared import currency


class RemitterOut(BaseModel):
    """Who sent the money; of the account only its end is shown."""

    name: str | None
    account: str | None


class BecameOut(BaseModel):
    """The payment that an entry became; `conflict` says that another content has its identity, so it is not booked."""

    payment_id: int
    status: str
    hold_reason: str | None
    conflict: bool


class EntryOut(BaseModel):
    """One entry as the bank shows it; `posted` says that it is sent on as a payment, else `why_not`.

    `became` is null until the payment is booked, and on upload.
    """

    position: int
    payment_id: str
    kind: str | None
    mark: str
    amount: str
    currency: str
    booking_date: date | None
    value_date: date | None
    bank_reference: str | None
    reference: str | None
    remittance: str | None
    remitter: RemitterOut | None
    reverses: str | None
    posted: bool
    why_not: str | None
    line: int
    became: BecameOut | None


class ProblemPlace(BaseModel):
    """Something a person should look at, and where it stands."""

    where: str
    what: str


class SumsOut(BaseModel):
    """Simple sums of a statement's entries; amounts are in the statement's currency."""

    entries: int
    posted: int
    not_posted: int
    pending: int
    credits: str
    debits: str
    booked: str


class StatementOut(BaseModel):
    """One account over one period.

    `proven`: opening + booked entries = closing, to the cent; null where the bank does not state both. `entries` are
    the first of them; `entries_left_out` says how many more there are, at `/api/bank-statements/{id}/entries`.
    """

    id: int | None
    statement_id: str
    source: str
    account: str
    currency: str
    opening: str | None
    closing: str | None
    proven: bool | None
    first_day: date | None
    last_day: date | None
    sums: SumsOut
    entries: list[EntryOut]
    entries_left_out: int
    problems: list[ProblemPlace]


class BankFileOut(BaseModel):
    """A file that was taken; without `id` it was only looked at."""

    id: int | None
    format: str
    sha256: str
    size_bytes: int
    statements: list[StatementOut]
    problems: list[ProblemPlace]


class PlaceOut(BaseModel):
    """Booked entries whose money, or part of it, is in one place; the amount is below zero for debits."""

    place: str
    entries: int
    amount: str


class PreviousOut(BaseModel):
    """The statement before one, and how the two meet.

    `follows`: first, continues, gap or unknown; `missing` is what happened between them that no statement shows.
    """

    follows: str
    previous_id: int | None
    missing: str | None


class ProofOut(BaseModel):
    """Nothing is missing: balances meet, and every booked entry is somewhere.

    `difference` = closing - opening - booked, null where the bank states no balances; `unaccounted` = booked - the sum
    over `places`. `complete` is true when both are zero (a difference that is not stated counts as zero) and nothing is
    on its way any more.
    """

    opening: str | None
    booked: str
    closing: str | None
    difference: str | None
    places: list[PlaceOut]
    unaccounted: str
    complete: bool
    chain: PreviousOut


class FileOut(BaseModel):
    """The file that a statement stands in: the evidence, byte for byte at `/api/bank-files/{id}/content`."""

    id: int
    format: str
    sha256: str
    size_bytes: int
    uploaded_by: str
    received_at: datetime


class ProvenStatementOut(StatementOut):
    """A statement with its proof, as of now."""

    proof: ProofOut
    file: FileOut


class BreakOut(BaseModel):
    """A statement that does not begin where the one before it ended."""

    statement_id: int
    previous_id: int
    first_day: date | None
    missing: str


class AccountOut(BaseModel):
    """An account that reports: its latest balance by its own statements, and where their chain is broken."""

    source: str
    account: str
    currency: str
    statements: int
    last_statement_id: int | None
    last_day: date | None
    balance: str | None
    gaps: list[BreakOut]


def file_out(file: StoredFile) -> BankFileOut:
    """The answer to an upload."""
    statements = [statement_out(one) for one in file.statements]
    return BankFileOut(
        id=file.id or None,
        format=file.format,
        sha256=file.sha256.hex(),
        size_bytes=file.size_bytes,
        statements=statements,
        problems=[problem for statement in statements for problem in statement.problems],
    )


def statement_out(stored: StoredStatement) -> StatementOut:
    """A statement, without its proof."""
    code, sums = stored.currency, stored.sums
    difference = sums.difference(stored.opening, stored.closing)
    return StatementOut(
        id=stored.id or None,
        statement_id=stored.bank_id,
        source=stored.source,
        account=show_account(stored.account),
        currency=code,
        opening=_amount(stored.opening, code),
        closing=_amount(stored.closing, code),
        proven=None if difference is None else difference == 0,
        first_day=stored.first_day,
        last_day=stored.last_day,
        sums=_sums_out(sums, code),
        entries=[entry_out(entry) for entry in stored.entries],
        entries_left_out=sums.entries - len(stored.entries),
        problems=[ProblemPlace(where=problem.where, what=problem.what) for problem in stored.problems],
    )


def proven_out(stored: StoredStatement, proof: Proof, file: StoredFile) -> ProvenStatementOut:
    """A statement with its proof."""
    code, sums = stored.currency, stored.sums
    difference = sums.difference(stored.opening, stored.closing)
    unaccounted = sums.booked_minor - proof.accounted.sum_minor
    return ProvenStatementOut(
        **statement_out(stored).model_dump(),
        proof=ProofOut(
            opening=_amount(stored.opening, code),
            booked=currency.text(sums.booked_minor, code),
            closing=_amount(stored.closing, code),
            difference=_amount(difference, code),
            places=[
                PlaceOut(place=line.place, entries=line.entries, amount=currency.text(line.amount_minor, code))
                for line in proof.accounted.lines
            ],
            unaccounted=currency.text(unaccounted, code),
            complete=not difference and not unaccounted and proof.accounted.at_rest,
            chain=previous_out(proof.joint, code),
        ),
        file=FileOut(
            id=file.id,
            format=file.format,
            sha256=file.sha256.hex(),
            size_bytes=file.size_bytes,
            uploaded_by=file.uploaded_by,
            received_at=file.received_at,
        ),
    )


def previous_out(joint: Joint, code: str) -> PreviousOut:
    """How a statement follows the one before it."""
    return PreviousOut(
        follows=joint.follows,
        previous_id=None if joint.previous is None else joint.previous.id,
        missing=currency.text(joint.missing_minor, code) if joint.missing_minor else None,
    )


def entry_out(stored: StoredEntry) -> EntryOut:
    """One line of a statement."""
    entry = stored.entry
    account = entry.remitter_account and f"…{entry.remitter_account.rpartition('/')[2]}"
    return EntryOut(
        position=stored.position,
        payment_id=entry.payment_id,
        kind=entry.kind,
        mark=entry.mark,
        amount=currency.text(entry.amount, entry.currency),
        currency=entry.currency,
        booking_date=entry.booking_date,
        value_date=entry.value_date,
        bank_reference=entry.bank_reference,
        reference=entry.reference,
        remittance=entry.remittance,
        remitter=RemitterOut(name=entry.remitter_name, account=account) if entry.remitter_name or account else None,
        reverses=entry.reverses,
        posted=entry.posted,
        why_not=entry.why_not,
        line=entry.line,
        became=_became_out(stored.became),
    )


def _became_out(became: Became | None) -> BecameOut | None:
    if became is None:
        return None
    return BecameOut(
        payment_id=became.payment_id, status=became.status, hold_reason=became.hold_reason, conflict=became.conflict
    )


def _sums_out(sums: Sums, code: str) -> SumsOut:
    return SumsOut(
        entries=sums.entries,
        posted=sums.posted,
        not_posted=sums.entries - sums.posted,
        pending=sums.pending,
        credits=currency.text(sums.credits_minor, code),
        debits=currency.text(sums.debits_minor, code),
        booked=currency.text(sums.booked_minor, code),
    )


def _amount(minor: int | None, code: str) -> str | None:
    return None if minor is None else currency.text(minor, code)
