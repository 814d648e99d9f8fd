"""Promises of profiles: what cannot be read by is told member by member, in words, before any file is read by it."""

import copy
from typing import Any

import pytest

from services.payments.feeds import BankFile, InMemory, Limits, csv_file
from services.payments.feeds.csv_profile import Profile
from services.payments.feeds.csv_profile_json import from_json, to_json

GOOD: dict[str, Any] = {
    "columns": {"booking_date": "Date", "amount": "Amount", "remittance": ["Text"]},
    "dates": "%Y-%m-%d",
    "signs": {"rule": "signed"},
    "currency": "EUR",
    "account": "DE02120300000000202051",
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good definition with one member set to a value, or taken away by `...`."""
    definition = copy.deepcopy(GOOD)
    *sections, name = path.split(".")
    inside = definition
    for section in sections:
        inside = inside.setdefault(section, {})
    if value is ...:
        del inside[name]
    else:
        inside[name] = value
    return definition


def complaints(definition: object) -> list[tuple[str, str]]:
    found = from_json("a-bank", 1, definition)
    return [] if isinstance(found, Profile) else [(one.where, one.what) for one in found]


def test_the_good_profile_is_good() -> None:
    """What the cases below spoil has no complaint, and comes back from JSON as it went."""
    found = from_json("a-bank", 1, GOOD)
    assert isinstance(found, Profile)
    assert to_json(found) == GOOD


@pytest.mark.parametrize(
    ("path", "value", "where", "what"),
    [
        # shapes
        ("dates", ..., "dates", "is missing"),
        ("signs.rule", ..., "signs.rule", "is missing"),
        ("colour", "red", "colour", "is not known: there are dates, signs"),
        ("columns.amuont", "x", "columns.amuont", "is not known"),
        ("version", 2, "version", "is not known"),
        ("columns", [], "columns", "must be an object"),
        ("columns.amount", True, "columns.amount", "must be a text or a whole number or null"),
        ("columns.amount", "x" * 201, "columns.amount", "at most 200 characters"),
        ("columns.amount", "a\0b", "columns.amount", "no control characters"),
        ("columns.amount", "\ud800", "columns.amount", "no control characters"),
        ("columns.remittance", "Text", "columns.remittance", "must be a list"),
        ("columns.remittance", ["Text"] * 51, "columns.remittance", "at most 50"),
        ("columns.remittance", [None], "columns.remittance", "must be a text or a whole number"),
        ("signs.rule", "guess", "signs.rule", "must be one of signed, signed_reversed, mark, two_columns"),
        ("layout.skip_top", "3", "layout.skip_top", "must be a whole number"),
        ("layout.skip_top", True, "layout.skip_top", "must be a whole number"),
        ("layout.line_breaks", 1, "layout.line_breaks", "must be true or false"),
        # the file as a table
        ("layout.encoding", "utf-7", "layout.encoding", "must be one of utf-8"),
        ("layout.delimiter", "ab", "layout.delimiter", "must be one of , ;"),
        ("layout.quote", "`", "layout.quote", "must be"),
        ("layout.skip_top", -1, "layout.skip_top", "must be 0 to 200"),
        ("layout.skip_bottom", 201, "layout.skip_bottom", "must be 0 to 200"),
        ("layout", {"header": "search", "skip_top": 1}, "layout.skip_top", "has no meaning"),
        ("layout.width", 3, "layout.width", "only for files without a header"),
        ("layout.header", "none", "columns.booking_date", "must be a number: the file has no headers"),
        ("layout.header", "none", "layout.width", "must say how many columns"),
        # columns
        ("columns.amount", 0, "columns.amount", "must be a number from 1 to 500"),
        ("columns.amount", "", "columns.amount", "must be a header's text"),
        ("columns.amount", " Amount", "columns.amount", "without blanks around it"),
        ("columns.booking_date", ..., "columns", "must name a booking_date or a value_date"),
        ("columns.balance", "Amount", "columns.balance", "is the column of another amount already"),
        ("yearly_references", True, "yearly_references", "needs a column for bank_reference"),
        # signs and words
        ("columns.amount", ..., "columns.amount", "is needed where the rule of signs is signed"),
        ("columns.credit", "In", "columns.credit", "has no meaning where the rule of signs is signed"),
        ("signs", {"rule": "mark", "credit": ["C"]}, "columns.mark", "is needed"),
        ("signs", {"rule": "two_columns"}, "columns.debit", "is needed"),
        ("signs", {"rule": "mark"}, "signs.credit", "must list the words"),
        ("signs.credit", ["C"], "signs", "no meaning without a mark column"),
        ("signs.minus", "on_debits", "signs.minus", "has no meaning where the rule of signs is signed"),
        ("signs", {"rule": "mark", "credit": ["C"], "minus": "takes_back"}, "signs.minus", "only for two columns"),
        ("signs", {"rule": "mark", "credit": ["C"], "debit": ["C"]}, "signs", "'C' is listed twice"),
        ("signs", {"rule": "mark", "credit": ["C "]}, "signs", "no blanks around"),
        ("signs.taken_back", ["storno"], "signs.taken_back", "go together"),
        ("columns.taken_back", "Storno", "signs.taken_back", "go together"),
        ("statuses", {"booked": ["x"]}, "statuses.booked", "go together"),
        ("columns.status", "Status", "statuses.booked", "go together"),
        ("statuses", {"pending": ["x"]}, "statuses.pending", "needs a column"),
        # numbers and days
        ("numbers.decimal", ";", "numbers.decimal", "must be . or ,"),
        ("numbers.thousands", "_", "numbers.thousands", "must be null, or one of"),
        ("numbers.thousands", ".", "numbers.thousands", "is the decimal mark already"),
        ("numbers.symbol", "-", "numbers.symbol", "none of which can be part of a number"),
        ("numbers.symbol", "1", "numbers.symbol", "none of which can be part of a number"),
        ("dates", "%c", "dates", "%c is not known"),
        ("dates", "%", "dates", "% is not known"),
        ("dates", "%Y-%m", "dates", "must have a year, a month and a day"),
        ("dates", "%Y-%m-%d %y", "dates", "names one part twice"),
        ("dates", "%Y%-m%d", "dates", "digits must not touch"),
        # whose account
        ("currency", "EUX", "currency", "is no currency"),
        ("currency", ..., "currency", "must be fixed here or have a column"),
        ("columns.currency", "Ccy", "currency", "one of the two"),
        ("account", "", "account", "must be the account's number"),
        ("columns.account", "IBAN", "account", "one of the two"),
        # balances
        ("balances", {"place": "table", "label": "Text", "amount": "Amount"},
         "balances", "must list the labels"),
        ("balances", {"place": "around", "label": "Text", "amount": 2, "opening": ["a"]},
         "balances.label", "must be a number"),
        ("balances", {"place": "table", "label": "T", "amount": "A", "opening": ["Saldo*"], "closing": ["Saldo neu"]},
         "balances", "must not fit what another one is for"),
        ("balances", {"place": "table", "label": "T", "amount": "A", "opening": ["*"]},
         "balances", "must not be empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(path: str, value: Any, where: str, what: str) -> None:
    """The member and the reason, so that a person can mend it without reading our code."""
    found = complaints(changed(path, value))
    assert [one for one in found if one[0] == where and what in one[1]], found


@pytest.mark.parametrize("definition", [None, [], "x", 1, {}])
def test_what_is_no_definition_is_told(definition: object) -> None:
    """Whatever JSON holds, it is complained about and never raises."""
    assert complaints(definition)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Nobody mends a profile one complaint at a time."""
    spoilt = changed("layout", {"encoding": "utf-7", "delimiter": "-"}) | {"dates": "%Y", "currency": "EUX"}
    assert [where for where, _ in complaints(spoilt)] == ["layout.encoding", "layout.delimiter", "dates", "currency"]


@pytest.mark.parametrize(
    ("dates", "text"),
    [
        ("%Y-%m-%d", "2026-03-02"),
        ("%d.%m.%y", "02.03.26"),
        ("%-d/%-m/%Y", "2/3/2026"),
        ("%-d/%-m/%Y", "02/03/2026"),
        ("%d-%b-%Y", "02-MAR-2026"),
        ("%b %-d, %Y", "Mar 2, 2026"),
        ("%Y年%-m月%-d日", "2026年3月2日"),
        ("%Y%m%d", "20260302"),
        ("%Y-%m-%d %H:%M:%S", "2026-03-02 23:59:60"),
        ("(%d|%m|%Y)", "(02|03|2026)"),
    ],
)
def test_days_of_many_countries(dates: str, text: str) -> None:
    """Each form reads its day, and plain text in it means itself."""
    profile = from_json("a-bank", 1, changed("dates", dates) | {"layout": {"delimiter": ";"}})
    assert isinstance(profile, Profile), profile
    found = csv_file.read(InMemory(f"Date;Amount;Text\n{text};1.00;x\n".encode()), Limits(), profile)
    assert isinstance(found, BankFile), found
    assert str(found.statements[0].entries[0].booking_date) == "2026-03-02"
