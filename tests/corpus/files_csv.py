"""Category I: CSV files that are wrong, or only look wrong, each with its verdict.

One profile and one good file of three rows; each case spoils one thing of either, and says what must become of it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

HEADER: Final = "Date;Amount;Text;Payer;Ref;Balance"
FIRST: Final = "02.03.2026;400.000,00;RF97D0000000017;Acme LP;B-1;400.100,00"
SECOND: Final = "03.03.2026;-25,00;fee;Bank;B-2;400.075,00"
THIRD: Final = "04.03.2026;1.500,50;thanks;Roe;B-3;401.575,50"
PROFILE: Final[Mapping[str, Any]] = {
    "layout": {"delimiter": ";"},
    "columns": {
        "booking_date": "Date",
        "amount": "Amount",
        "remittance": ["Text"],
        "remitter_name": "Payer",
        "bank_reference": "Ref",
        "balance": "Balance",
    },
    "numbers": {"decimal": ",", "thousands": "."},
    "dates": "%d.%m.%Y",
    "signs": {"rule": "signed"},
    "currency": "EUR",
    "account": "DE02120300000000202051",
}


class Refused(NamedTuple):
    """The file is not taken: its first problem stands at `where` and says `what`; `problems` are told in all."""

    where: str
    what: str
    problems: int = 1


class Taken(NamedTuple):
    """The file is taken, and just these amounts of it are posted, reversals with a minus, oldest first."""

    posted: tuple[str, ...]
    proven: bool | None = True


class Case(NamedTuple):
    """A name, the file's bytes, what must become of it, and what its profile has instead of the usual."""

    name: str
    data: bytes
    verdict: Refused | Taken
    changed: Mapping[str, Any] = {}

    @property
    def definition(self) -> dict[str, Any]:
        """The profile, its sections changed member by member."""
        changed = dict(PROFILE)
        for name, value in self.changed.items():
            both = isinstance(changed.get(name), dict) and isinstance(value, dict)
            changed[name] = {**changed[name], **value} if both else value
        return changed


def lines(*given: str, end: str = "\r\n", encoding: str = "utf-8") -> bytes:
    return "".join(f"{line}{end}" for line in given).encode(encoding)


def second(row: str) -> bytes:
    """The good file with another second row."""
    return lines(HEADER, FIRST, row, THIRD)


def amount(text: str) -> bytes:
    """One row with that amount, and no balance: its profile has none."""
    return lines("Date;Amount;Text;Payer;Ref", f"02.03.2026;{text};fee;Bank;B-2")


UNBALANCED: Final = {"columns": {"balance": None}}
NO_OTHERS: Final = dict.fromkeys(("amount", "remitter_name", "bank_reference", "balance")) | {"remittance": []}
TWO_COLUMNS: Final = {"columns": {**NO_OTHERS, "credit": "In", "debit": "Out"}, "signs": {"rule": "two_columns"}}
MARKED: Final = {"signs": {"rule": "mark", "credit": ["H"], "debit": ["S"]}, "columns": {"mark": "M"}}
OPENING: Final = {"balances": {"place": "table", "label": "Text", "amount": "Balance", "opening": ["Opening"]}}
ALL: Final = Taken(("400000.00", "1500.50"))
GOOD: Final = lines(HEADER, FIRST, SECOND, THIRD)

FILE: Final = [
    Case("good", GOOD, ALL),
    Case("ends-without-line-end", GOOD.removesuffix(b"\r\n"), ALL),
    Case("unix-line-ends", GOOD.replace(b"\r\n", b"\n"), ALL),
    Case("old-mac-line-ends", GOOD.replace(b"\r\n", b"\r"), ALL),
    Case("blank-lines-at-the-end", GOOD + b"\r\n  \r\n\r\n", ALL),
    Case("rows-of-delimiters-at-the-end", GOOD + b";;;;;\r\n;;;;;\r\n", ALL),
    Case("cells-with-blanks-around", second("03.03.2026 ; -25,00 ;fee;Bank; B-2 ; 400.075,00 "), ALL),
    Case("empty", b"", Refused("line 1", "the file is empty")),
    Case("blank-lines-only", b"\r\n \r\n", Refused("line 1", "the file is empty")),
    Case("nul", GOOD.replace(b"fee", b"f\0e"), Refused("line 3", "a NUL character")),
    Case("binary", b"\x00\x01\x02\xff\xfe", Refused("line 1", "the byte ff is no character")),
    Case("byte-order-mark", b"\xef\xbb\xbf" + GOOD, Refused("line 1", "begins with a byte order mark")),
    Case("byte-order-mark-known", b"\xef\xbb\xbf" + GOOD, ALL, {"layout": {"encoding": "utf-8-sig"}}),
    Case("other-encoding", GOOD.replace(b"Roe", b"R\xf6"), Refused("line 4", "the byte f6 is no character")),
    Case(
        "cp1252-as-latin-1",
        GOOD.replace(b"Roe", b"R\x80"),
        Refused("line 4", "may be in cp1252"),
        {"layout": {"encoding": "latin-1"}},
    ),
    Case(
        "utf-16-without-mark",
        GOOD.decode().encode("utf-16-le"),
        Refused("line 1", "so it is not in utf-16"),
        {"layout": {"encoding": "utf-16"}},
    ),
    Case(
        "utf-16-cut-in-a-character",
        GOOD.decode().encode("utf-16")[:-5],
        Refused("line 4", "is no character"),
        {"layout": {"encoding": "utf-16"}},
    ),
    Case("xml", b"<?xml version='1.0'?>\n<Document/>\n", Refused("line 1", "the headers are missing: Date, Amount")),
    Case("line-separator-in-a-text", second("03.03.2026;-25,00;a\u2028b\x0bc\x85d;Bank;B-2;400.075,00"), ALL),
]

TABLE: Final = [
    Case(
        "header-missing",
        lines(HEADER.replace("Amount", "Betrag"), FIRST),
        Refused("line 1", "the header is missing: Amount; there are: Date, Betrag, Text, Payer, Ref, Balance"),
    ),
    Case("header-in-small-letters", lines(HEADER.lower(), FIRST), Refused("line 1", "the headers are missing: Date")),
    Case(
        "header-twice", lines(HEADER.replace("Text", "Amount"), FIRST), Refused("line 1", "the header is missing: Text")
    ),
    Case(
        "wanted-header-twice",
        lines(HEADER + ";Amount", FIRST + ";1,00"),
        Refused("line 1", "the header Amount stands there twice"),
    ),
    Case(
        "other-order-of-columns",
        lines("Amount;Date;Ref;Balance;Payer;Text", "1,00;02.03.2026;B-1;1,00;Roe;hello"),
        Taken(("1.00",)),
    ),
    Case(
        "one-more-column-that-nobody-reads", lines(HEADER + ";Branch", FIRST + ";12", SECOND + ";", THIRD + ";12"), ALL
    ),
    Case("row-too-short", second("03.03.2026;-25,00;fee"), Refused("line 3", "the row has 3 columns; it must have 6")),
    Case("row-too-long", second(SECOND + ";more"), Refused("line 3", "the row has 7 columns; it must have 6")),
    Case("surplus-empty-cells", second(SECOND + ";;"), Refused("line 3", "the row has 8 columns")),
    Case("surplus-empty-cells-known", second(SECOND + ";;"), ALL, {"layout": {"trailing_empty": True}}),
    Case("blank-line-between", lines(HEADER, FIRST, "", SECOND, THIRD), Refused("line 3", "the line is empty")),
    Case(
        "row-of-delimiters-between",
        lines(HEADER, FIRST, ";;;;;", SECOND, THIRD),
        Refused("line 3", "the line is empty"),
    ),
    Case(
        "open-quote", second('03.03.2026;-25,00;"fee;Bank;B-2;400.075,00'), Refused("line 3", "a quote is not closed")
    ),
    Case(
        "open-quote-in-the-last-row",
        lines(HEADER, FIRST, SECOND, THIRD.replace("thanks", '"thanks')),
        Refused("line 4", "a quote is not closed"),
    ),
    Case(
        "text-behind-a-quote",
        second('03.03.2026;-25,00;"fee" x;Bank;B-2;400.075,00'),
        Refused("line 3", "text follows"),
    ),
    Case("quote-inside-a-text", second('03.03.2026;-25,00;6" pipe;Bank;B-2;400.075,00'), ALL),
    Case("delimiter-inside-quotes", second('03.03.2026;-25,00;"a;b ""c""";Bank;B-2;400.075,00'), ALL),
    Case(
        "text-over-two-lines",
        second('03.03.2026;-25,00;"fe\r\ne";Bank;B-2;400.075,00'),
        Refused("line 3", "a quote is not closed", 2),
    ),
    Case(
        "text-over-two-lines-known",
        second('03.03.2026;-25,00;"fe\r\ne";Bank;B-2;400.075,00'),
        ALL,
        {"layout": {"line_breaks": True}},
    ),
    Case(
        "open-quote-where-texts-may-break",
        second('03.03.2026;-25,00;"fee;Bank;B-2;400.075,00'),
        Refused("line 3", "a quote that is opened in this row is never closed"),
        {"layout": {"line_breaks": True}},
    ),
    Case(
        "huge-cell",
        second(f"03.03.2026;-25,00;{'x' * 20_000};Bank;B-2;400.075,00"),
        Refused("line 3", "a cell has 20000 characters; at most 16384"),
    ),
    Case(
        "cell-beyond-all-measure",
        second(f"03.03.2026;-25,00;{'x' * 200_000};Bank;B-2;400.075,00"),
        Refused("line 3", "a cell has more than 131072 characters"),
    ),
    Case("other-delimiter", GOOD.replace(b";", b"\t"), Refused("line 1", "the headers are missing")),
    Case(
        "more-lines-skipped-than-there-are",
        GOOD,
        Refused("line 4", "the file has 4 lines"),
        {"layout": {"skip_top": 9}},
    ),
    Case(
        "headers-searched-and-not-found",
        lines("Statement", "Date;Amount;Text;Payer", FIRST),
        Refused("line 2", "lacks Ref, Balance"),
        {"layout": {"header": "search"}},
    ),
    Case(
        "headers-found-below-other-lines", b'Statement;\r\n\r\n"open\r\n' + GOOD, ALL, {"layout": {"header": "search"}}
    ),
    Case("last-line-not-skipped", GOOD + b"3 rows\r\n", Refused("line 5", "the row has 1 columns")),
    Case("last-line-skipped", GOOD + b"3 rows\r\n\r\n", ALL, {"layout": {"skip_bottom": 1}}),
    Case(
        "account-missing-in-a-row",
        lines(HEADER + ";IBAN", FIRST + ";"),
        Refused("line 2", "IBAN: the account is missing"),
        {"account": None, "columns": {"account": "IBAN"}},
    ),
    Case(
        "unknown-currency",
        lines(HEADER + ";Ccy", FIRST + ";EUX"),
        Refused("line 2", "EUX is no currency"),
        {"currency": None, "columns": {"currency": "Ccy"}},
    ),
]

NUMBERS: Final = [
    Case("decimal-point", amount("400.00"), Refused("line 2", "'400.00' is not an amount"), UNBALANCED),
    Case(
        "decimal-point-that-looks-like-thousands",
        amount("400.000"),
        Refused("line 2", "exactly the 2 decimals"),
        UNBALANCED,
    ),
    Case("groups-of-two", amount("12.34.567,00"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("group-of-four", amount("1.2345,00"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("groups-here-and-not-there", amount("1.234567,00"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("group-that-begins-with-zero", amount("0.123,00"), Refused("line 2", "begins with 0"), UNBALANCED),
    Case("group-in-the-decimals", amount("1,234.567"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("one-decimal", amount("1,5"), Refused("line 2", "exactly the 2 decimals of EUR"), UNBALANCED),
    Case("three-decimals", amount("1,505"), Refused("line 2", "more than the 2 decimals"), UNBALANCED),
    Case("surplus-zeros", amount("1,5000"), Refused("line 2", "exactly the 2 decimals"), UNBALANCED),
    Case(
        "surplus-zeros-known",
        amount("1,5000"),
        Taken(("1.50",), None),
        {**UNBALANCED, "numbers": {"decimals": "padded"}},
    ),
    Case("no-whole-digits", amount(",50"), Taken(("0.50",), None), UNBALANCED),
    Case("no-decimals-behind-the-mark", amount("5,"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("plus", amount("+5,00"), Taken(("5.00",), None), UNBALANCED),
    Case("minus-behind", amount("5,00-"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("minus-twice", amount("--5,00"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("parentheses", amount("(5,00)"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("exponent", amount("1e5"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("full-width-digits", amount("\uff11\uff12,00"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("arabic-digits", amount("\u0661\u0662,00"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("underscore", amount("1_000,00"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("currency-sign", amount("5,00 €"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("currency-sign-known", amount("5,00 €"), Taken(("5.00",), None), {**UNBALANCED, "numbers": {"symbol": "€"}}),
    Case("formula", amount("=1+1"), Refused("line 2", "is not an amount"), UNBALANCED),
    Case("sixteen-digits", amount("1234567890123456,00"), Refused("line 2", "is not an amount of EUR"), UNBALANCED),
    Case("empty-amount", amount(""), Refused("line 2", "Amount: the amount is missing"), UNBALANCED),
    Case("words", amount("n/a"), Refused("line 2", "'n/a' is not an amount"), UNBALANCED),
    Case("zero", amount("0,00"), Taken((), None), UNBALANCED),
    Case("minus-zero", amount("-0,00"), Taken((), None), UNBALANCED),
    Case(
        "yen-with-decimals",
        amount("5,00"),
        Refused("line 2", "exactly the 0 decimals of JPY"),
        {**UNBALANCED, "currency": "JPY"},
    ),
]

DAYS_AND_MARKS: Final = [
    Case(
        "no-such-day",
        second("30.02.2026;-25,00;fee;Bank;B-2;400.075,00"),
        Refused("line 3", "'30.02.2026' is not a date"),
    ),
    Case("american-date", second("03/31/2026;-25,00;fee;Bank;B-2;400.075,00"), Refused("line 3", "is not a date")),
    Case("short-year", second("03.03.26;-25,00;fee;Bank;B-2;400.075,00"), Refused("line 3", "in the form %d.%m.%Y")),
    Case("day-of-one-digit", second("3.3.2026;-25,00;fee;Bank;B-2;400.075,00"), Refused("line 3", "is not a date")),
    Case("spreadsheet-serial", second("46084;-25,00;fee;Bank;B-2;400.075,00"), Refused("line 3", "is not a date")),
    Case("no-date", second(";-25,00;fee;Bank;B-2;400.075,00"), Refused("line 3", "the row has no date")),
    Case(
        "unknown-mark",
        lines(HEADER + ";M", FIRST.replace("-", "") + ";H", SECOND.replace("-25", "25") + ";X"),
        Refused("line 3", "M: 'X' is none of the profile's marks: 'H', 'S'"),
        MARKED,
    ),
    Case("mark-and-minus", lines(HEADER + ";M", SECOND + ";S"), Refused("line 2", "the amount has a minus"), MARKED),
    Case(
        "mark-against-minus",
        lines(HEADER + ";M", SECOND + ";H"),
        Refused("line 2", "the row is a credit, but"),
        {"signs": {"rule": "mark", "minus": "on_debits", "credit": ["H"], "debit": ["S"]}, "columns": {"mark": "M"}},
    ),
    Case(
        "unknown-status",
        lines(HEADER + ";S", FIRST + ";done"),
        Refused("line 2", "S: 'done' is none of the profile's statuses"),
        {"statuses": {"booked": ["booked"]}, "columns": {"status": "S"}},
    ),
    Case(
        "pending-is-never-posted",
        lines(HEADER + ";S", FIRST + ";booked", THIRD + ";pending", SECOND + ";booked"),
        Taken(("400000.00",)),
        {"statuses": {"booked": ["booked"], "pending": ["pending"]}, "columns": {"status": "S"}},
    ),
    Case(
        "in-and-out-at-once",
        lines("Date;In;Out", "02.03.2026;1,00;1,00"),
        Refused("line 2", "In and Out: both have"),
        TWO_COLUMNS,
    ),
    Case(
        "neither-in-nor-out",
        lines("Date;In;Out", "02.03.2026;;"),
        Refused("line 2", "In and Out: neither has"),
        TWO_COLUMNS,
    ),
    Case(
        "a-zero-in-the-other-column", lines("Date;In;Out", "02.03.2026;7,00;0,00"), Taken(("7.00",), None), TWO_COLUMNS
    ),
    Case(
        "debit-with-the-reference-of-a-credit",
        GOOD + b"05.03.2026;-1.500,50;thanks;Roe;B-3;400.075,00\r\n",
        Taken(("400000.00", "1500.50")),
    ),
    Case(
        "credit-taken-back-and-said-so",
        lines(
            HEADER + ";R",
            FIRST + ";",
            THIRD.replace("401.575", "401.600") + ";",
            "05.03.2026;-1.500,50;back;Roe;B-3;400.100,00;storno",
        ),
        Taken(("400000.00", "1500.50", "-1500.50")),
        {"signs": {"rule": "signed", "taken_back": ["storno"]}, "columns": {"taken_back": "R"}},
    ),
]

BALANCES: Final = [
    Case("row-missing", lines(HEADER, FIRST, THIRD), Refused("line 3", "come to 401600.50: a row is missing")),
    Case("rows-in-the-other-order", lines(HEADER, THIRD, SECOND, FIRST), Refused("line 3", "not in the order")),
    Case("newest-first", lines(HEADER, THIRD, SECOND, FIRST), ALL, {"order": "newest_first"}),
    Case(
        "newest-first-and-row-missing",
        lines(HEADER, THIRD, FIRST),
        Refused("line 2", "a row is missing"),
        {"order": "newest_first"},
    ),
    Case(
        "balance-missing",
        second("03.03.2026;-25,00;fee;Bank;B-2;"),
        Refused("line 3", "is booked, but states no balance"),
    ),
    Case("balance-overdrawn", lines(HEADER, "02.03.2026;-25,00;fee;Bank;B-2;-5,00"), Taken(())),
    Case("row-twice", lines(HEADER, FIRST, SECOND, SECOND, THIRD), Refused("line 4", "come to 400050.00")),
    Case("opening-not-stated", lines(HEADER, FIRST), Refused("line 2", "no line states the opening balance"), OPENING),
    Case(
        "opening-stated-twice",
        lines(HEADER, ";;Opening;;;100,00", ";;Opening;;;100,00", FIRST),
        Refused("line 3", "the opening balance is stated a second time; line 2"),
        OPENING,
    ),
    Case(
        "opening-against-the-rows",
        lines(HEADER, ";;Opening;;;99,00", FIRST),
        Refused("line 2", "the opening balance is 99.00, but the rows' own balances make it 100.00"),
        OPENING,
    ),
    Case("opening-as-stated", lines(HEADER, ";;Opening;;;100,00", FIRST, SECOND, THIRD), ALL, OPENING),
]

TEXTS: Final = [
    Case("formula-in-a-text", second("03.03.2026;-25,00;\"=cmd|' /C calc'!A1\";Bank;B-2;400.075,00"), ALL),
    Case("right-to-left-and-zero-width", second("03.03.2026;-25,00;\u202eeef\u200b;Bank;B-2;400.075,00"), ALL),
    Case(
        "bank-reference-too-long",
        second(f"03.03.2026;-25,00;fee;Bank;{'B' * 141};400.075,00"),
        Refused("line 3", "Ref is longer than the 140 characters"),
    ),
    Case(
        "several-rows-wrong",
        lines(HEADER, FIRST.replace("02.03.2026", "x"), SECOND.replace("-25,00", "y"), THIRD + ";"),
        Refused("line 2", "'x' is not a date", 3),
    ),
]

CASES: Final = [*FILE, *TABLE, *NUMBERS, *DAYS_AND_MARKS, *BALANCES, *TEXTS]
