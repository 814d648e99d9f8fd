"""A bank's CSV, read by a saved profile that says how this bank writes: nothing about it is guessed.

Each row is an entry, a stated balance, or a reason why the file is not taken. Cells are only text, whatever a
spreadsheet would do with them.
"""

from dataclasses import replace
from datetime import date
from functools import partial

from services.payments.feeds import fields
from services.payments.feeds.csv_file_balances import Book, Shown, Stated, is_stated, statement_of, unclaimed
from services.payments.feeds.csv_file_table import Row, Table, decode, table_of
from services.payments.feeds.csv_file_values import Cell, Days, Movement, Movements, read_number
from services.payments.feeds.csv_profile import Column, Order, Place, Profile
from services.payments.feeds.identity import identify, name_originals
from services.payments.feeds.model import (
    BadFile,
    BankFile,
    Entry,
    Kind,
    Limits,
    NotTaken,
    Problem,
    Statement,
    WhyNot,
)
from services.payments.feeds.raw import Raw, whole


def read(raw: Raw, limits: Limits, profile: Profile) -> BankFile | NotTaken:
    """The statements of a file, one for each account and currency, or every reason why it is not taken."""
    name = f"csv/{profile.name}/{profile.version}"
    problems: list[Problem] = []
    statements: list[Statement] = []
    try:
        table = table_of(decode(whole(raw), profile.layout.encoding), profile, limits)
        reading = _Reading(table, profile)
        reading.all_rows(limits, problems)
        if not problems:
            statements = [_with_problems(statement_of(book, profile)) for book in reading.finished()]
    except BadFile as bad:
        problems.append(bad.problem)
    if problems:
        return NotTaken(name, tuple(problems))
    return BankFile(name, tuple(name_originals(identify(statements))))


class _Reading:
    """The accounts of a table, as they fill up row by row."""

    def __init__(self, table: Table, profile: Profile) -> None:
        self._table = table
        self._profile = profile
        self._columns = profile.columns
        self._days = Days(profile)
        self._movements = Movements(profile)
        self._books: dict[tuple[str, str], Book] = {}
        self._stated: list[Stated] = []
        if profile.account is not None and profile.currency is not None:
            self._book(profile.account, profile.currency, table.first_line)

    def all_rows(self, limits: Limits, problems: list[Problem]) -> None:
        """Reads every row; what is wrong with one is noted, and the next one is read."""
        count = 0
        for row in self._table.rows:
            try:
                if isinstance(row, BadFile):
                    raise row
                count += self._row(row)
            except BadFile as bad:
                if len(problems) >= limits.problems:
                    raise
                problems.append(bad.problem)
            if count > limits.entries:
                line = row.line
                raise BadFile(line, f"the file has more than {limits.entries} entries: send it in parts")

    def finished(self) -> list[Book]:
        """The accounts, their entries oldest first, with the balances that are stated for them."""
        books = list(self._books.values())
        stated = self._profile.balances
        if stated is not None and stated.place is Place.AROUND:
            rows = (
                row
                for row in self._table.around
                if max(_number(stated.label), _number(stated.amount)) <= len(row.cells)
            )
            found = (is_stated(self._table.cell(row, stated.label), stated, row) for row in rows)
            self._stated += [one for one in found if one is not None]
        for one in self._stated:
            self._give(one, books)
        if not books:
            raise BadFile(self._table.first_line, "the file has no rows, so it does not say whose account it shows")
        if self._profile.order is Order.NEWEST_FIRST:
            for book in books:
                book.shown.reverse()
        return books

    def _book(self, account: str, code: str, line: int) -> Book:
        return self._books.setdefault((account, code), Book(account, code, line))

    def _row(self, row: Row) -> int:
        """Takes a row in, and answers how many entries it is."""
        stated = self._profile.balances
        if stated is not None and stated.place is Place.TABLE:
            balance = is_stated(self._table.cell(row, stated.label), stated, row)
            if balance is not None:
                self._stated.append(balance)
                return 0
        cell = partial(self._table.cell, row)
        account, code = self._account(cell), self._currency(cell)
        if account is None or code is None:
            what = "account" if account is None else "currency"
            raise BadFile(row.line, f"{getattr(self._columns, what)}: the {what} is missing")
        code = fields.read_currency(code, row.line)
        shown = Shown(self._entry(row, cell, code), self._balance(row, cell, code))
        self._book(account, code, row.line).shown.append(shown)
        return 1

    def _account(self, cell: Cell) -> str | None:
        return self._profile.account or fields.clean(_text(cell, self._columns.account))

    def _currency(self, cell: Cell) -> str | None:
        return self._profile.currency or _text(cell, self._columns.currency)

    def _balance(self, row: Row, cell: Cell, code: str) -> int | None:
        column = self._columns.balance
        if column is None or not cell(column):
            return None
        number = read_number(cell(column), code, row.line, str(column), self._profile.numbers)
        return -number.minor if number.negative else number.minor

    def _give(self, stated: Stated, books: list[Book]) -> None:
        """Gives a stated balance to its account: the one that its row names, else the only one."""
        assert self._profile.balances is not None
        cell = partial(self._table.cell, stated.row)
        inside = self._profile.balances.place is Place.TABLE
        account = self._account(cell) if inside else self._profile.account
        code = self._currency(cell) if inside else self._profile.currency
        fitting = [one for one in books if account in {None, one.account} and code in {None, one.currency}]
        if len(fitting) != 1:
            if account is None or code is None or not inside:
                raise unclaimed([stated], books)
            fitting = [self._book(account, fields.read_currency(code, stated.row.line), stated.row.line)]
            books.append(fitting[0])
        (book,) = fitting
        column = self._profile.balances.amount
        number = read_number(cell(column), book.currency, stated.row.line, f"column {column}", self._profile.numbers)
        book.state(stated, -number.minor if number.negative else number.minor)

    def _entry(self, row: Row, cell: Cell, code: str) -> Entry:
        columns, line = self._columns, row.line
        movement = self._movements.read(cell, code, line)
        verdict = fields.judge(movement.mark, taken_back=movement.taken_back)
        kind = verdict if isinstance(verdict, Kind) else None
        why_not = self._why_not(cell, movement, line) or (verdict if isinstance(verdict, WhyNot) else None)
        booked_on, valued_on = (
            None if column is None else self._days.read(cell(column), line, str(column))
            for column in (columns.booking_date, columns.value_date)
        )
        if why_not is not WhyNot.PENDING and booked_on is None and valued_on is None:
            raise BadFile(line, "the row has no date")
        name = fields.clean(_text(cell, columns.remitter_name))
        end_to_end_id = self._reference(cell, columns.end_to_end_id, line)
        given = [_text(cell, columns.reference), end_to_end_id]
        free = [cell(column) for column in columns.remittance]
        reference, remittance = fields.choose_reference(given, free if kind else [name, *free])
        return Entry(
            payment_id="",
            mark=movement.mark,
            kind=kind,
            amount=movement.amount,
            currency=code,
            booking_date=booked_on,
            value_date=valued_on or booked_on,
            posted=why_not is None,
            why_not=why_not,
            line=line,
            bank_reference=self._bank_reference(cell, booked_on, line),
            end_to_end_id=end_to_end_id,
            uetr=self._reference(cell, columns.uetr, line),
            reference=reference,
            remittance=remittance,
            remitter_name=name if kind else None,  # whom we paid is no remitter: the text above names them
            remitter_account=fields.clean(_text(cell, columns.remitter_account)) if kind else None,
            reverses=self._reference(cell, columns.original, line) if kind is Kind.REVERSAL else None,
        )

    def _why_not(self, cell: Cell, movement: Movement, line: int) -> WhyNot | None:
        column, words = self._columns.status, self._profile.statuses
        if column is not None and (word := cell(column)) not in words.booked:
            if word not in words.pending:
                known = ", ".join(repr(one) for one in (*words.booked, *words.pending))
                raise BadFile(line, f"{column}: {word[:40]!r} is none of the profile's statuses: {known}")
            return WhyNot.PENDING
        return WhyNot.ZERO_AMOUNT if movement.amount == 0 else None

    def _reference(self, cell: Cell, column: Column | None, line: int) -> str | None:
        return fields.own_reference(_text(cell, column), line, str(column))

    def _bank_reference(self, cell: Cell, booked_on: date | None, line: int) -> str | None:
        found = self._reference(cell, self._columns.bank_reference, line)
        if found and booked_on and self._profile.yearly_references:
            return f"{found}/{booked_on.year}"
        return found


def _text(cell: Cell, column: Column | None) -> str | None:
    return (cell(column) or None) if column is not None else None


def _number(column: Column) -> int:
    assert isinstance(column, int)  # `check` saw to it
    return column


def _with_problems(statement: Statement) -> Statement:
    """The statement with what a person should know about it, and what does not stop it from being taken."""
    what = fields.imbalance(statement)
    if what is None:
        return statement
    return replace(statement, problems=(Problem(f"line {statement.line}, statement {statement.id}", what),))
