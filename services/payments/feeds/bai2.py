"""BAI2, the balance reports of banks in the United States: previous day and same day, one statement per account.

The codes are those of the library `bai2`. Records are read here: its reader knows no lines, stops at every code of a
bank's own, takes some continued fields for one, and does not come back from a file that was cut off.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from services.payments.feeds import bai2_content as content
from services.payments.feeds import bai2_totals
from services.payments.feeds.bai2_codes import Meaning, Sort, meaning
from services.payments.feeds.bai2_content import AccountHead, Detail, GroupHead, Summary
from services.payments.feeds.bai2_records import Account, File, file_of
from services.payments.feeds.fields import choose_reference, clean, imbalance, judge, read_amount
from services.payments.feeds.identity import identify, name_originals
from services.payments.feeds.model import (
    BadFile,
    Balance,
    BankFile,
    Entry,
    Kind,
    Limits,
    Mark,
    NotTaken,
    Problem,
    Statement,
    WhyNot,
)
from services.payments.feeds.raw import Raw, whole
from shared import currency
from shared.money import Minor

FORMAT: Final = "bai2"
_STARTS: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*01,(?:[^\r\n]*,){6,}|(?:\xef\xbb\xbf)?\s*01,[^\r\n]*[\r\n]+\s*02,")
_SIZE_MAX_BYTES: Final = 48 * 1024 * 1024  # it is read as a whole
_OPENING: Final = "010"
_CLOSING: Final = "015"
_TOTALS: Final = {"100": Mark.CREDIT, "400": Mark.DEBIT}


def claims(head: bytes) -> bool:
    """Whether a file begins with a file header of BAI."""
    return _STARTS.match(head) is not None


def read(raw: Raw, limits: Limits) -> BankFile | NotTaken:
    """A statement for each account of each group, or every reason why the file is not taken (up to a limit)."""
    problems: list[Problem] = []
    statements: list[Statement] = []
    try:
        file = file_of(_text(whole(raw, _SIZE_MAX_BYTES)), limits)
        content.check_version(file.header)
        for found in _read_file(file, limits):
            if isinstance(found, Statement):
                statements.append(found)
                continue
            problems.append(found.problem)
            if len(problems) >= limits.problems:
                break
    except BadFile as bad:
        problems.append(bad.problem)
    if not problems:
        statements = identify(statements)
        problems = _told_twice(statements)
    if problems:
        return NotTaken(FORMAT, tuple(problems))
    return BankFile(FORMAT, tuple(name_originals([_with_problems(one) for one in statements])))


def _text(data: bytes) -> str:
    """The characters: UTF-8, else what Windows writes; amounts and codes are the same in both."""
    with suppress(UnicodeDecodeError):
        return data.decode()
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile(line, "there are bytes that are no text, neither in UTF-8 nor in Windows-1252") from None


def _read_file(file: File, limits: Limits) -> Iterator[Statement | BadFile]:
    """The statements, and whatever is wrong anywhere."""
    count = 0
    for group in file.groups:
        try:
            head = content.group_head(group.header)
        except BadFile as bad:
            yield bad
            continue
        for account in group.accounts:
            count += len(account.details)
            if count > limits.entries:
                raise BadFile(account.header.line, f"the file has more than {limits.entries} entries: send it in parts")
            yield from _read_account(account, head, limits)
        yield from bai2_totals.group_total(group)
    yield from bai2_totals.file_total(file)


def _read_account(account: Account, group: GroupHead, limits: Limits) -> Iterator[Statement | BadFile]:
    try:
        head = content.account_head(account.header, group.currency)
    except BadFile as bad:
        yield bad
        return
    details: list[Detail] = []
    wrong = 0
    for record in account.details:
        try:
            details.append(content.detail(record, limits.text_characters))
        except BadFile as bad:
            wrong += 1
            yield bad
    if not wrong:  # or the total could not be right
        amounts = sum(one.amount for one in details) + sum(one.amount or 0 for one in head.summaries)
        yield from bai2_totals.account_total(account, amounts)
        try:
            yield _statement(account, head, group, details)
        except BadFile as bad:
            yield bad


def _statement(account: Account, head: AccountHead, group: GroupHead, details: Sequence[Detail]) -> Statement:
    book = _Book(head.currency, group, frozenset(one.code for one in details))
    balances = [balance for one in head.summaries if (balance := _balance(one, head.currency, group))]
    problems: list[Problem] = []
    if group.correction:
        problems.append(
            Problem(f"line {account.header.line}", "this corrects what the bank reported before (status 3)")
        )
    entries = []
    for one in details:
        entry, said = _movement(one, meaning(one.code), book)
        entries += [entry] if entry else []
        problems += [Problem(f"line {one.line}", said)] if said else []
    entries_sum = {mark: sum(e.amount for e in entries if _counts(e, mark)) for mark in Mark}
    statement = Statement(
        id=f"{group.as_of}T{group.time}" if group.same_day and group.time else f"{group.as_of}",
        account=clean(head.number) or "",
        currency=head.currency,
        opening=_stated(balances, _OPENING, account),
        closing=_stated(balances, _CLOSING, account),
        balances=tuple(balances),
        entries=tuple(entries),
        problems=tuple(problems),
        line=account.header.line,
    )
    if statement.proven or not entries:
        return statement
    said_more = [
        Problem(f"line {one.line}", _not_the_sum(one, entries_sum[_TOTALS[one.code]], head.currency))
        for one in head.summaries
        if one.code in _TOTALS and one.amount is not None and one.amount != entries_sum[_TOTALS[one.code]]
    ]
    return replace(statement, problems=(*statement.problems, *said_more))


@dataclass(frozen=True, slots=True)
class _Book:
    """What an account's transactions have in common."""

    currency: str
    group: GroupHead
    codes: frozenset[str]


def _movement(one: Detail, code: Meaning, book: _Book) -> tuple[Entry | None, str | None]:
    """The entry of a transaction, and what a person should know about it."""
    named = f"code {one.code} ({code.name})"
    amount = _minor(one.amount, book.currency, one.line)
    if code.sort is Sort.NOTE:
        return None, f"{named} carries a note of the bank and no money: {clean(one.text) or 'without a text'}"
    if code.sort is Sort.UNKNOWN or code.mark is None:
        shown = currency.text(amount, book.currency)
        return None, f"{named} does not say which way {shown} {book.currency} went: it is not posted"
    verdict = judge(code.mark, taken_back=code.taken_back)
    why_not, said = _why_not(one, code, verdict, book, named)
    chosen, remittance = choose_reference([one.customer_reference], [one.text])
    kind = verdict if isinstance(verdict, Kind) and code.sort is Sort.BOOKING else None
    return Entry(
        payment_id="",
        mark=code.mark,
        kind=kind,
        amount=amount,
        currency=book.currency,
        booking_date=book.group.as_of,
        value_date=one.value_date or book.group.as_of,
        posted=why_not is None,
        why_not=why_not,
        line=one.line,
        bank_reference=one.bank_reference,
        end_to_end_id=one.customer_reference,
        reference=chosen,
        remittance=remittance,
        method=code.method,
    ), said


def _why_not(
    one: Detail, code: Meaning, verdict: Kind | WhyNot, book: _Book, named: str
) -> tuple[WhyNot | None, str | None]:
    """Why a transaction is not posted, and what to tell of it."""
    if code.sort is Sort.SUM:
        return WhyNot.NOT_BOOKED, f"{named} is a sum of other entries, and no entry of its own: it is not posted"
    if code.sort is Sort.FOREIGN:
        return WhyNot.NOT_OURS, f"{named} is not one that we know how to post: look at it"
    if code.whole & book.codes:
        which = ", ".join(sorted(code.whole & book.codes))
        return WhyNot.NOT_BOOKED, f"{named} is an item of a deposit that is reported as a whole too (code {which})"
    if one.amount == 0:
        return WhyNot.ZERO_AMOUNT, None
    if isinstance(verdict, WhyNot):
        return verdict, f"{named} may take back a part of an earlier credit: look at it" if code.adjusts else None
    if one.bank_reference is not None:
        return None, None
    if book.group.correction:
        what = "this group corrects an earlier one, and an entry without bank reference cannot be told from a new one"
        raise BadFile(one.line, what)
    if book.group.interim:
        what = "the report is interim, and this entry has no bank reference to know it by: the final report posts it"
        return WhyNot.PENDING, what
    return None, None


def _counts(entry: Entry, mark: Mark) -> bool:
    return entry.mark is mark and entry.why_not is not WhyNot.NOT_BOOKED


def _not_the_sum(one: Summary, reached: int, code: str) -> str:
    stated, found = currency.text(one.amount or 0, code), currency.text(reached, code)
    marks = "credits" if _TOTALS[one.code] is Mark.CREDIT else "debits"
    return f"the bank states {stated} {code} of {marks} in all (code {one.code}); the entries come to {found}"


def _balance(one: Summary, code: str, group: GroupHead) -> Balance | None:
    """A balance: codes below 100 are the standard's status codes. An empty amount states none."""
    if one.code >= "100" or one.amount is None:
        return None
    unsigned = _minor(abs(one.amount), code, one.line)
    return Balance(one.code, Minor(-unsigned) if one.amount < 0 else unsigned, code, group.as_of)


def _stated(balances: Sequence[Balance], code: str, account: Account) -> Minor | None:
    amounts = {one.amount for one in balances if one.code == code}
    if len(amounts) > 1:
        raise BadFile(account.header.line, f"the account states balance {code} twice, with different amounts")
    return next(iter(amounts), None)


def _minor(number: int, code: str, line: int) -> Minor:
    """Minor units: the decimals are implied, as many as the currency has."""
    return read_amount(currency.text(number, code), code, line)


def _with_problems(statement: Statement) -> Statement:
    """The statement with what a person should know about it as a whole."""
    what = imbalance(statement)
    if what is None:
        return statement
    where = f"line {statement.line}, statement {statement.id}"
    return replace(statement, problems=(Problem(where, what), *statement.problems))


def _told_twice(statements: Sequence[Statement]) -> list[Problem]:
    """An account that the file reports twice for one day, with equal entries that have no bank reference: nobody could
    tell whether they are the same money."""
    seen: dict[tuple[str, str, str, str], int] = {}
    problems = []
    for statement in statements:
        for entry in statement.entries:
            if not entry.posted or entry.bank_reference is not None:
                continue
            key = (statement.account, statement.currency, statement.id, entry.payment_id)
            if key in seen:
                what = f"the account is reported twice for this day, and line {seen[key]} may be the same entry as this"
                problems.append(Problem(f"line {entry.line}", what))
            seen.setdefault(key, entry.line)
    return problems
