"""Promises of the MT940 reader: direction from the mark, days, identities, pages, sums, and what a bank's text says."""

from datetime import date

import pytest

from services.payments.feeds import BankFile, Entry, Kind, Mark, Statement, WhyNot, read
from tests.payments.feeds.documents import document, entry, statement

FIRST = "2603020302C100,00NTRFNONREF//B-1"


def message(
    *fields: str, opening: str = "C260301EUR0,00", closing: str = "C260302EUR100,00", number: str = "1/1"
) -> str:
    head = f":20:STARTUMS\n:25:1234567\n:28C:{number}\n:60F:{opening}\n"
    return head + "".join(f"{field}\n" for field in fields) + f":62F:{closing}\n-\n"


def taken(text: str) -> tuple[Statement, ...]:
    result = read(text.encode())
    assert isinstance(result, BankFile), result
    return result.statements


def alone(*fields: str) -> Entry:
    (only,) = taken(message(*fields))
    (found,) = only.entries
    return found


def said(text: str) -> list[str]:
    (only,) = taken(text)
    return [problem.what for problem in only.problems]


# ---- direction


@pytest.mark.parametrize(
    ("mark", "direction", "kind", "why_not"),
    [
        ("C", Mark.CREDIT, Kind.CREDIT, None),
        ("CR", Mark.CREDIT, Kind.CREDIT, None),
        ("D", Mark.DEBIT, None, WhyNot.NOT_OURS),
        ("DR", Mark.DEBIT, None, WhyNot.NOT_OURS),
        ("RC", Mark.DEBIT, Kind.REVERSAL, None),
        ("RCR", Mark.DEBIT, Kind.REVERSAL, None),
        ("RD", Mark.CREDIT, None, WhyNot.OWN_PAYMENT_RETURNED),
        ("RDR", Mark.CREDIT, None, WhyNot.OWN_PAYMENT_RETURNED),
        ("EC", Mark.CREDIT, Kind.CREDIT, WhyNot.PENDING),
        ("ED", Mark.DEBIT, None, WhyNot.PENDING),
    ],
)
def test_the_mark_alone_tells_the_direction(
    mark: str, direction: Mark, kind: Kind | None, why_not: WhyNot | None
) -> None:
    """A credit that is taken back is money out, and a debit that is taken back is never investors' money."""
    found = alone(f":61:2603020302{mark}100,00NTRFE-1//B-1")
    assert (found.mark, found.kind, found.why_not, found.posted) == (direction, kind, why_not, why_not is None)
    assert found.amount == 10_000


@pytest.mark.parametrize(
    ("line", "details", "expected"),
    [
        ("D100,00NRTIE-1", [], Kind.REVERSAL),
        ("C100,00NRTIE-1", [], WhyNot.OWN_PAYMENT_RETURNED),
        ("D100,00NDDTE-1", ["109?00LASTSCHRIFT?20EREF+E-1"], Kind.REVERSAL),
        ("D100,00NDDTE-1", ["105?00SEPA RUECKLASTSCHRIFT?20EREF+E-1"], Kind.REVERSAL),
        ("C100,00NTRFE-1", ["159?00GUTSCHRIFT?20EREF+E-1"], WhyNot.OWN_PAYMENT_RETURNED),
        ("D100,00NTRFE-1", ["/EREF/E-1/RTRN/AC04"], Kind.REVERSAL),
        ("C100,00NTRFE-1", ["/EREF/E-1/RTRN/AC04"], WhyNot.OWN_PAYMENT_RETURNED),
        ("D100,00NTRFE-1", ["RETURN/RCKS E-1"], Kind.REVERSAL),
        ("D100,00NTRFE-1", ["Rücklastschrift MD06 E-1"], Kind.REVERSAL),
        ("D100,00NTRFE-1", ["Return of capital, E-1"], WhyNot.NOT_OURS),
        ("D100,00NTRFE-1", ["Rücklastschrift"], WhyNot.NOT_OURS),
        ("C100,00NTRFE-1", ["RETURN/AC04 of a friend's loan"], Kind.CREDIT),
        ("C100,00NTRFE-1", ["166?00GUTSCHRIFT?20SVWZ+Rücklastschrift AC04"], Kind.CREDIT),
    ],
)
def test_a_return_is_one_by_the_banks_codes(line: str, details: list[str], expected: Kind | WhyNot) -> None:
    """By the code of the transaction, the business code or /RTRN/; by text only a debit, and only with a reason's code.
    What a payer writes never turns a credit into anything else."""
    found = alone(f":61:2603020302{line}//B-1", *(f":86:{text}" for text in details))
    assert (found.kind or found.why_not) == expected


def test_a_reversal_finds_the_credit_of_the_same_bank_reference() -> None:
    """A bank that gives both the same reference, and nothing else: the credit keeps it, the reversal gets a suffix."""
    (only,) = taken(message(f":61:{FIRST}", ":61:2603020302RC100,00NTRFNONREF//B-1", closing="C260302EUR0,00"))
    credit, reversal = only.entries
    assert (credit.payment_id, reversal.payment_id) == ("B-1", "B-1/r")
    assert (reversal.posted, reversal.reverses, reversal.original_found) == (True, "B-1", True)


def test_a_reversal_that_names_nothing_is_only_shown() -> None:
    """Nothing is taken back by guessing."""
    found = alone(":61:2603020302RC100,00NTRFNONREF//B-9")
    assert (found.posted, found.why_not) == (False, WhyNot.NAMES_NO_ORIGINAL)


# ---- days


@pytest.mark.parametrize(
    ("written", "value", "booked"),
    [
        ("2512310102", date(2025, 12, 31), date(2026, 1, 2)),
        ("2601021231", date(2026, 1, 2), date(2025, 12, 31)),
        ("2603020302", date(2026, 3, 2), date(2026, 3, 2)),
        ("2402290229", date(2024, 2, 29), date(2024, 2, 29)),
        ("2403010229", date(2024, 3, 1), date(2024, 2, 29)),
        ("9912310103", date(1999, 12, 31), date(2000, 1, 3)),
        ("260302    ", date(2026, 3, 2), None),
        ("260302", date(2026, 3, 2), None),
    ],
)
def test_an_entry_date_is_of_the_nearest_year(written: str, value: date, booked: date | None) -> None:
    """It has no year of its own, and may be missing or blank."""
    found = alone(f":61:{written}C100,00NTRFNONREF//B-1")
    assert (found.value_date, found.booking_date) == (value, booked)


# ---- references and identities


@pytest.mark.parametrize(
    ("references", "others", "bank", "customer"),
    [
        ("NONREF//B-1", [], "B-1", None),
        ("E-1//B-1", [], "B-1", "E-1"),
        ("E-1", [], None, "E-1"),
        ("NONREF", ["//B-1"], "B-1", None),
        ("KREF+//B-1", [], "B-1", None),
        ("A-REFERENCE-OF-MORE-THAN-SIXTEEN//B-1", [], "B-1", "A-REFERENCE-OF-MORE-THAN-SIXTEEN"),
        ("NONREF//A-BANK-REFERENCE-OF-MORE-THAN-SIXTEEN", [], "A-BANK-REFERENCE-OF-MORE-THAN-SIXTEEN", None),
        ("NONREF//NONREF", [], None, None),
        ("NONREF//", [], None, None),
        ("", [], None, None),
    ],
)
def test_references_are_taken_whole(references: str, others: list[str], bank: str | None, customer: str | None) -> None:
    """Also where a bank makes them longer than SWIFT does: a reference cut short would be another entry's."""
    found = alone("\n".join([f":61:2603020302C100,00NTRF{references}", *others]))
    assert (found.bank_reference, found.end_to_end_id) == (bank, customer)
    assert found.payment_id == bank if bank else found.payment_id.startswith("fp-")


def test_an_entry_has_one_identity_in_camt_and_mt940() -> None:
    """The bank's own reference names it in both, so a change of format doubles nothing."""
    camt = read(document(statement(entry("100.00", bank_reference="26061-BUCH-1"))))
    assert isinstance(camt, BankFile)
    found = alone(":61:2603030302C100,00NTRFNONREF//26061-BUCH-1")
    (other,) = camt.statements[0].entries
    assert (found.payment_id, found.amount, found.value_date) == (other.payment_id, other.amount, other.value_date)


def test_equal_entries_stay_two_and_a_repeated_statement_repeats_them() -> None:
    """Without references of the bank, too; and the same statement twice in a file shows the same entries."""
    text = message(":61:2603020302C50,00NTRFNONREF", ":61:2603020302C50,00NTRFNONREF")
    first, again = taken(text + text)
    assert [e.payment_id for e in first.entries] == [e.payment_id for e in again.entries]
    assert len({e.payment_id for e in first.entries}) == 2


def test_statements_that_a_bank_counts_as_pages_are_statements() -> None:
    """One number and a counter for the day: an equal deposit of the next day is not the second one of this."""
    next_day = message(f":61:{FIRST[:-5]}", opening="C260302EUR100,00", closing="C260303EUR200,00", number="1/46")
    both = taken(message(f":61:{FIRST[:-5]}", number="1/45") + next_day)
    assert [one.id for one in both] == ["1/45", "1/46"]
    assert both[1].entries[0].payment_id == taken(next_day)[0].entries[0].payment_id


# ---- what a bank's text says


@pytest.mark.parametrize(
    ("details", "end_to_end_id", "remittance", "name", "account"),
    [
        (["166?00GUT?20EREF+E-1?21SVWZ+Text?32Anna"], "E-1", "Text", "Anna", None),
        (
            ["166?00GUT?109310?20EREF+AN-END-TO-END-ID-0001-2026?2", "1SVWZ+Text?32Anna"],
            "AN-END-TO-END-ID-0001-2026",
            "Text",
            "Anna",
            None,
        ),
        (["166?00GUT?20SVWZ+Text with EREF+E-1 in it?32Anna"], "E-1 in it", "Text with", "Anna", None),
        (["166?00GUT?20EREF+E-1?21SVWZ+about EREF+E-2?32Anna"], "E-1", "about EREF+E-2", "Anna", None),
        (["166?00GUT?20" + "a" * 26 + "?21and more?32Anna"], None, "a" * 26 + " and more", "Anna", None),
        (["166?00GUT?20" + "a" * 27 + "?21and more?32Anna"], None, "a" * 27 + "and more", "Anna", None),
        (["166?00GUT?20Text?60 and more?32Anna"], None, "Text and more", "Anna", None),
        (["?20EREF+E-1?21SVWZ+Text?31DE39700202700001112223?32Anna"], "E-1", "Text", "Anna", "DE39700202700001112223"),
        (["SEPA CREDIT EREF+E-1 KREF+K-1 SVWZ+Text ABWA+Anna"], "E-1", "SEPA CREDIT Text", "Anna", None),
        (
            ["/TRTP/SEPA/IBAN/NL02ABNA0123456789/NAME/Anna/REMI/a/b/EREF/E-1"],
            "E-1",
            "a/b",
            "Anna",
            "NL02ABNA0123456789",
        ),
        (["/NAME/Anna/REMI/I am not /NAME/Boris"], None, "I am not /NAME/Boris", "Anna", None),
        (["TRANSFER", "/ORDP/Anna", "/REMI/Text", "//goes on"], None, "TRANSFER Text goes on", "Anna", None),
        (["plain text", "on two lines"], None, "plain text on two lines", None, None),
        (["x" * 63 + " R", "F97D0000000017"], None, "x" * 63 + " RF97D0000000017", None, None),
        (["/not a code/ text"], None, "/not a code/ text", None, None),
        (["Train at", ":12:30 from hall"], None, "Train at :12:30 from hall", None, None),
        (["NOTPROVIDED"], None, "NOTPROVIDED", None, None),
        ([], None, None, None, None),
    ],
)
def test_the_dialects_of_details(
    details: list[str], end_to_end_id: str | None, remittance: str | None, name: str | None, account: str | None
) -> None:
    """Numbered parts, codes of SEPA, codes between slashes, plain text; of each code the first counts."""
    found = alone(f":61:{FIRST}", *([":86:" + "\n".join(details)] if details else []))
    assert (found.end_to_end_id, found.remittance) == (end_to_end_id, remittance)
    assert (found.remitter_name, found.remitter_account) == (name, account)


def test_a_code_that_a_line_cuts_is_found() -> None:
    """Lines end at 65 characters, and parts at 27, wherever that is."""
    part = "SVWZ+" + "a" * 20 + "RF"  # 27 characters
    text = f"166?00GUTSCHRIFT?20EREF+{'E' * 22}?21{'E' * 10}?22{part}?2397D0000000017?32Anna"
    assert text[:65].endswith("?22SVW")
    found = alone(f":61:{FIRST}", f":86:{text[:65]}", text[65:])
    assert (found.end_to_end_id, found.remittance) == ("E" * 32, "a" * 20 + "RF97D0000000017")


def test_the_other_side_of_a_payment_out_is_no_remitter() -> None:
    """Whom we paid is not who paid us."""
    found = alone(":61:2603020302D100,00NTRFNONREF//B-1", ":86:116?00UEBERWEISUNG?20Miete?32Lagerhaus Nord")
    assert (found.remitter_name, found.remittance) == (None, "Miete")


# ---- accounts


@pytest.mark.parametrize(
    ("written", "account"),
    [
        ("10090000/0123456700", "10090000/0123456700"),
        ("DE91100900000123456700", "DE91100900000123456700"),
        ("DE91 1009 0000 0123 4567 00", "DE91100900000123456700"),
        ("DE91100900000123456700EUR", "DE91100900000123456700"),
        ("DE91100900000123456700 EUR", "DE91100900000123456700"),
        ("/DE91100900000123456700", "DE91100900000123456700"),
        ("1234567/EUR", "1234567"),
        ("1234567USD", "1234567USD"),
        ("TREASUREUR", "TREASUREUR"),
    ],
)
def test_an_account_is_the_same_however_it_is_written(written: str, account: str) -> None:
    """Without the slash before it, and without the statement's own currency behind it."""
    (only,) = taken(message(f":61:{FIRST}").replace("1234567", written))
    assert only.account == account


# ---- pages, sums, limits


def page(number: int, opening: str, closing: str, *lines: str) -> str:
    fields = [":20:X", ":25:1234567", f":28C:9/{number}", opening, *(f":61:{line}" for line in lines), closing, "-"]
    return "\n".join(fields) + "\n"


def test_a_page_whose_own_sum_is_wrong_is_named() -> None:
    """Also where a second fault on the next page hides it from the whole."""
    text = page(1, ":60F:C260301EUR0,00", ":62M:C260301EUR90,00", FIRST)
    text += page(2, ":60M:C260301EUR90,00", ":62F:C260301EUR100,00")
    (only,) = taken(text)
    assert only.proven is True
    assert [problem.what for problem in only.problems] == [
        "page 1 comes to 100.00 EUR, but ends with 90.00 EUR",
        "page 2 comes to 90.00 EUR, but ends with 100.00 EUR",
    ]


@pytest.mark.parametrize(
    ("opening", "closing", "said_of"),
    [
        (":60M:C260301EUR0,00", ":62F:C260301EUR100,00", "it begins with an intermediate balance"),
        (":60F:C260301EUR0,00", ":62M:C260301EUR100,00", "it ends with an intermediate balance"),
    ],
)
def test_a_page_alone_says_that_others_are_missing(opening: str, closing: str, said_of: str) -> None:
    """And that equal entries without references could be taken for one."""
    about = said(page(2, opening, closing, FIRST[:-5]))
    assert about[0].startswith(said_of)
    assert about[1].startswith("it is one page of several, with entries that have no bank reference")


def test_the_same_page_twice_is_not_two_pages() -> None:
    """A page sent again is another statement with the same entries, and breaks no chain."""
    one = page(1, ":60F:C260301EUR0,00", ":62M:C260301EUR100,00", FIRST)
    both = taken(one + one)
    assert [e.payment_id for shown in both for e in shown.entries] == ["B-1", "B-1"]


def interim(*fields: str) -> str:
    return "\n".join([":20:X", ":25:1234567", ":28C:9/1", ":34F:EUR0,00", *fields, "-"]) + "\n"


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ([f":61:{FIRST}", ":90C:1EUR100,00"], True),
        ([f":61:{FIRST}", ":90C:EUR100,00"], True),
        ([f":61:{FIRST}", ":61:260302EC5,00NTRFNONREF//B-2", ":90C:1EUR100,00"], True),
        ([f":61:{FIRST}", ":61:260302EC5,00NTRFNONREF//B-2", ":90C:2EUR105,00"], True),
        ([f":61:{FIRST}", ":61:260302RC5,00NTRFE//B-2", ":90C:1EUR100,00", ":90D:1EUR5,00"], True),
        ([f":61:{FIRST}", ":90C:2EUR100,00"], False),
        ([f":61:{FIRST}", ":90C:1EUR100,01"], False),
        ([f":61:{FIRST}", ":90C:1EUR100,00", ":90D:1EUR1,00"], False),
    ],
)
def test_the_banks_own_sums_are_checked(fields: list[str], fits: bool) -> None:
    """Count and amount of each direction, with the expected entries or without them."""
    assert any("the bank counts" in about for about in said(interim(*fields))) is not fits


def test_an_interim_report_proves_nothing() -> None:
    """It has no balances to prove by; what has a reference of the bank is posted, and known again in the evening."""
    (only,) = taken(interim(f":61:{FIRST}", ":61:2603020302C7,00NTRFNONREF"))
    assert (only.proven, only.opening, only.closing) == (None, None, None)
    referenced, nameless = only.entries
    assert (referenced.payment_id, referenced.posted) == ("B-1", True)
    assert (nameless.posted, nameless.why_not) == (False, WhyNot.PENDING)
    (evening,) = taken(message(f":61:{FIRST}"))
    assert evening.entries[0].payment_id == "B-1"


def test_a_letter_of_another_currency_is_pointed_out() -> None:
    """It contradicts the balances, which are what the entries are read in."""
    assert said(message(":61:2603020302CD100,00NTRFNONREF//B-1")) == [
        "it has entries with the currency letter D, which is not that of EUR"
    ]


def test_an_interim_report_with_balances_proves_nothing_either() -> None:
    """The day is not over, and what is only shown would be missing from the sum."""
    text = (
        "{1:F01X}{2:O942X}{4:\n" + message(f":61:{FIRST}", ":61:2603020302C7,00NTRFNONREF").removesuffix("-\n") + "-}\n"
    )
    (only,) = taken(text)
    assert (only.proven, only.opening, only.closing) == (None, None, None)
    assert [balance.code for balance in only.balances] == ["60F", "62F"]
