"""L: BAI2 files that are wrong, or only look wrong, each with what must come of it.

The good file is one account with 1,000.00 dollars in the morning, a wire of 500.00, and 1,500.00 in the evening.
"""

from typing import Final, NamedTuple

from tests.payments.feeds.writing_bai2 import Account, Group, Transaction, file, report


class Case(NamedTuple):
    """A file and its verdict: `refused` with these words, or else `posted` exactly so, while `says` is told."""

    name: str
    data: bytes
    refused: tuple[str, ...] = ()
    posted: tuple[str, ...] = ()
    says: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


WIRE: Final = Transaction("195", "50000", "0", "W-1", "ASPEN-1", "ASPEN LP RF97D0000000017")
GOOD: Final = report(WIRE, opening="100000", closing="150000")
GOOD_POSTED: Final = ("credit W-1 500.00 USD",)


def _spoilt(old: str, new: str) -> bytes:
    assert old.encode() in GOOD, old
    return GOOD.replace(old.encode(), new.encode(), 1)


def _one(transaction: Transaction) -> bytes:
    """A file whose trailers are right, with one transaction and no balances."""
    return report(transaction)


def _coded(code: str, amount: str = "50000", reference: str = "W-1") -> bytes:
    return _one(Transaction(code, amount, "0", reference, "", "A TEXT"))


DAMAGED: Final = [
    Case("header-alone", GOOD.split(b"\n")[0], ("line 1: the file ends here, without its file trailer (99)",)),
    Case("cut-in-a-transaction", GOOD[: GOOD.index(b"ASPEN LP")], ("line 5: the file ends here",)),
    Case("cut-before-the-file-trailer", GOOD[: GOOD.index(b"99,")], ("line 7: the file ends here",)),
    Case("no-account-trailer", _spoilt("49,300000,4/\n", ""), ("line 6: record 98 (group trailer) cannot follow 16",)),
    Case(
        "no-group-header", _spoilt("02,FUND,BANK,1,260302,2400,USD,2/\n", ""), ("line 2: record 03 (account) cannot",)
    ),
    Case("no-account", _spoilt("03,77001234,,010,100000,,/\n88,015,150000,,/\n", ""), ("line 3: record 16",)),
    Case("transaction-behind-its-trailer", _spoilt("98,", "16,195,1,0,,,X/\n98,"), ("line 7: record 16",)),
    Case("two-files-in-one", GOOD + GOOD, ("line 9: record 01 (file header) stands behind the end",)),
    Case("words-behind-the-end", GOOD + b"-- end of report --\n", ("line 9: '-- end of re' begins no record",)),
    Case("unknown-record", _spoilt("49,", "17,1,2/\n49,"), ("line 6: '17,1,2/' begins no record",)),
    Case("no-comma-behind-the-code", _spoilt("16,195", "16195"), ("line 5: '16195,50000,' begins no record",)),
    Case("version-1", _spoilt("1,,,2/", "1,,,1/"), ("line 1: the file header gives 1 version",)),
    Case("no-version", _spoilt("1,,,2/", "1,,,/"), ("line 1: the file header gives no version",)),
    Case("a-byte-that-is-no-text", GOOD.replace(b"ASPEN LP", b"ASPEN \x81\xff"), ("line 5: there are bytes",)),
    Case(
        "nothing-but-continuations",
        b"01,B,F,260303,0700,1,,,2/\n" + b"88,\n" * 1_700_000,
        ("line 1: the file has more",),
    ),
    Case(
        "one-record-of-a-megabyte", _spoilt("ASPEN LP", "," * 1_000_000), ("line 5: the record is longer than 16384",)
    ),
    Case(
        "a-text-over-many-rows",
        _spoilt("RF97D0000000017\n", "\n" + "88,AND SO ON AND ON\n" * 1_000),
        ("line 5: a text is longer than 16384 characters",),
    ),
    Case("a-record-goes-on-without-its-end", _spoilt("010,100000,,/", "010,100000,,"), ("line 3: the record goes on",)),
]
TRAILERS: Final = [
    Case("account-total", _spoilt("49,300000", "49,300100"), ("line 6: the account trailer states a control total",)),
    Case("account-total-negative", _spoilt("49,300000", "49,-300000"), ("control total of -300000; it is 300000",)),
    Case("account-records", _spoilt("49,300000,4", "49,300000,3"), ("line 6: the account trailer counts 3 records",)),
    Case("account-total-no-number", _spoilt("49,300000", "49,3e5"), ("line 6: '3e5' is not an amount",)),
    Case("account-records-missing", _spoilt("49,300000,4/", "49,300000/"), ("line 6: '' is not a number of records",)),
    Case("group-total", _spoilt("98,300000", "98,300001"), ("line 7: the group trailer states a control total",)),
    Case("group-accounts", _spoilt("98,300000,1,6", "98,300000,2,6"), ("line 7: the group trailer counts 2 accounts",)),
    Case("group-records", _spoilt("98,300000,1,6", "98,300000,1,7"), ("line 7: the group trailer counts 7 records",)),
    Case("file-total", _spoilt("99,300000", "99,0"), ("line 8: the file trailer states a control total of 0",)),
    Case("file-groups", _spoilt("99,300000,1,8", "99,300000,0,8"), ("line 8: the file trailer counts 0 groups",)),
    Case("file-records", _spoilt("99,300000,1,8", "99,300000,1,9"), ("line 8: the file trailer counts 9 records",)),
    Case("a-lost-transaction", _spoilt("16,195,50000,0,W-1,ASPEN-1,ASPEN LP RF97D0000000017\n", ""), (
        "line 5: the account trailer states a control total of 300000; it is 250000", "counts 4 records; there are 3",
    )),
    Case("a-changed-amount", _spoilt("16,195,50000", "16,195,500000"), ("a control total of 300000; it is 750000",)),
    Case("empty-total-of-nothing", file(Group([Account()])).replace(b"49,0,2", b"49,,2"), posted=()),
]  # fmt: skip
GROUPS: Final = [
    Case("deletion", _spoilt("BANK,1,", "BANK,2,"), ("line 2: the bank deletes this group (status 2)",)),
    Case("test-only", _spoilt("BANK,1,", "BANK,4,"), ("line 2: the bank marks this group as a test (status 4)",)),
    Case("no-status", _spoilt("BANK,1,", "BANK,,"), ("line 2: nothing is no group status",)),
    Case("status-5", _spoilt("BANK,1,", "BANK,5,"), ("line 2: 5 is no group status",)),
    Case("correction-with-references", _spoilt("BANK,1,", "BANK,3,"), posted=GOOD_POSTED, says=("this corrects",)),
    Case("correction-without-references", _spoilt("BANK,1,", "BANK,3,").replace(b"W-1", b""), (
        "line 5: this group corrects an earlier one",
    )),
    Case("30-february", _spoilt("260302,2400", "260230,2400"), ("line 2: '260230' is not a date",)),
    Case("no-day", _spoilt("260302,2400", ",2400"), ("line 2: '' is not an as-of date",)),
    Case("day-of-eight-digits", _spoilt("260302,2400", "20260302,2400"), ("line 2: '20260302' is not an as-of date",)),
    Case("full-width-digits", _spoilt("260302,2400", "２６０３０２,2400"), ("line 2: ",)),
    Case("25-o-clock", _spoilt("2400", "2500"), ("line 2: '2500' is not a time",)),
    Case("end-of-day-as-9999", _spoilt("2400", "9999"), posted=GOOD_POSTED),
    Case("clock-with-seconds", _spoilt("2400", "23:59:59"), posted=GOOD_POSTED),
    Case("modifier-9", _spoilt("USD,2/", "USD,9/"), ("line 2: '9' is no as-of-date modifier",)),
    Case("no-currency-is-dollars", _spoilt("USD,2/", ",2/"), posted=GOOD_POSTED),
    Case("currency-of-group-unknown", _spoilt("USD,2/", "USX,2/"), ("line 2: USX is no currency",)),
    Case("currency-of-account-unknown", _spoilt("77001234,,", "77001234,XXX,"), ("line 3: XXX is no currency",)),
    Case("currency-of-account-wins", _spoilt("77001234,,", "77001234,JPY,"), posted=("credit W-1 50000 JPY",)),
    Case("no-account-number", _spoilt("03,77001234", "03,"), ("line 3: the account has no number",)),
    Case("interim-without-reference", report(Transaction("195", "1"), modifier="3"), says=("the report is interim",)),
    Case("twice-with-nameless-twins", file(Group([Account(transactions=[Transaction("195", "100")])] * 2)), (
        "line 7: the account is reported twice for this day, and line 4 may be the same entry",
    )),
    Case("twice-with-references", file(Group([Account(transactions=[WIRE])] * 2)), posted=GOOD_POSTED * 2),
]  # fmt: skip
AMOUNTS: Final = [
    Case("decimal-point", _spoilt("195,50000", "195,500.00"), ("line 5: '500.00' is not an amount",)),
    Case("grouped-digits", _spoilt("195,50000", "195,50_000"), ("line 5: '50_000' is not an amount",)),
    Case("exponent", _spoilt("195,50000", "195,5e4"), ("line 5: '5e4' is not an amount",)),
    Case("other-digits", _spoilt("195,50000", "195,٥٠٠٠٠"), ("line 5: '٥٠٠٠٠' is not an amount",)),
    Case("negative-transaction", _spoilt("195,50000", "195,-50000"), ("line 5: the amount is -50000; the direction",)),
    Case("plus-sign", _spoilt("195,50000", "195,+50000"), posted=GOOD_POSTED),
    Case("leading-zeros", _spoilt("195,50000", "195,0000000000050000"), posted=GOOD_POSTED),
    Case("more-than-money-can-be", _one(Transaction("195", "9" * 20, "0", "W-1")), ("line 4: ", "is not an amount of")),
    Case("empty-amount", _one(Transaction("195", "", "0", "W-1")), posted=()),
    Case("zero-amount", _one(Transaction("195", "0", "0", "W-1")), posted=()),
    Case("a-balance-in-words", _spoilt("010,100000", "010,much"), ("line 3: 'much' is not an amount",)),
    Case("a-balance-without-amount", _spoilt("010,100000,,/", "010,,,/").replace(b",300000,", b",200000,"), (
        ), GOOD_POSTED),
    Case("opening-stated-twice", file(Group([Account(summaries=[("010", "1"), ("010", "2")])])), (
        "line 3: the account states balance 010 twice",
    )),
    Case("overdrawn", report(WIRE, opening="-100000", closing="-50000"), posted=GOOD_POSTED),
    Case("unproven", report(WIRE, opening="100000", closing="150001"), posted=GOOD_POSTED, says=(
        "come to 1500.00 USD, but the closing balance is 1500.01",
    )),
]  # fmt: skip
FUNDS: Final = [
    Case("unknown-funds-type", _spoilt("50000,0,W-1", "50000,7,W-1"), ("line 5: '7' is no funds type",)),
    Case("no-value-date", _spoilt("50000,0,W-1", "50000,V,,,W-1"), ("line 5: '' is not a value date",)),
    Case("value-date-of-no-day", _spoilt("50000,0,W-1", "50000,V,261301,,W-1"), ("line 5: '261301' is not a date",)),
    Case("value-time-of-no-hour", _spoilt("50000,0,W-1", "50000,V,260303,2460,W-1"), ("line 5: '2460' is not a time",)),
    Case("value-dated", _spoilt("50000,0,W-1", "50000,V,260303,2400,W-1"), posted=GOOD_POSTED),
    Case("parts-that-sum", _spoilt("50000,0,W-1", "50000,S,20000,20000,10000,W-1"), posted=GOOD_POSTED),
    Case("parts-that-do-not-sum", _spoilt("50000,0,W-1", "50000,S,20000,20000,20000,W-1"), (
        "line 5: the amount is 50000, but the parts that become available sum to 60000",
    )),
    Case("a-part-is-a-reference", _spoilt("50000,0,W-1", "50000,S,25000,25000,W-1"), (
        "line 5: 'W-1' is not an amount",
    )),
    Case("distribution", _spoilt("50000,0,W-1", "50000,D,2,0,30000,3,20000,W-1"), posted=GOOD_POSTED),
    Case("distribution-over-a-row", _spoilt("50000,0,W-1", "50000,D,2,0,30000/\n88,3,20000,W-1").replace(
        b"300000,4", b"300000,5").replace(b"1,6/", b"1,7/").replace(b"1,8/", b"1,9/"), posted=GOOD_POSTED),
    Case("distribution-too-long", _spoilt("50000,0,W-1", "50000,D,3,0,30000,3,20000,W-1"), ("line 5: ",)),
    Case("distribution-without-end", _spoilt("50000,0,W-1", "50000,D,999999999,0,1,W-1"), (
        "line 5: '999999999' is not a number of distributions",
    )),
]  # fmt: skip
CODES: Final = [
    Case("two-digits", _spoilt("16,195", "16,95"), ("line 5: '95' is not a type code",)),
    Case("letters", _spoilt("16,195", "16,CRD"), ("line 5: 'CRD' is not a type code",)),
    Case("no-code", _spoilt("16,195", "16,"), ("line 5: '' is not a type code",)),
    Case("a-sum-is-no-transaction", _coded("100"), says=("code 100 (Total Credits) is a sum of other entries",)),
    Case("a-cumulative-sum-neither", _coded("394"), says=("is a sum of other entries",)),
    Case("own-status-code", _coded("919"), says=("code 919 (a code of the bank's own) does not say which way",)),
    Case("own-credit-code", _coded("940"), says=("code 940 (a code of the bank's own) is not one that we know",)),
    Case("own-debit-code", _coded("999"), says=("code 999 (a code of the bank's own) is not one that we know",)),
    Case("a-gap-of-the-list", _coded("199"), says=("code 199 (a code of the bank's own) is not one that we know",)),
    Case("a-balance-as-transaction", _coded("015"), says=("code 015 (Closing Ledger) does not say which way",)),
    Case("a-loan-payment", _coded("721"), says=("code 721 (Amount Applied to Interest) is not one that we know",)),
    Case("a-note", _coded("890", ""), says=("code 890 (Contains Non-monetary Information) carries a note",)),
    Case("an-ordinary-debit", _coded("495"), posted=()),
    Case("a-fee-for-a-return", _coded("567"), posted=()),
    Case("an-adjustment", _coded("496"), says=("may take back a part of an earlier credit",)),
    Case("own-payment-back", _coded("257"), posted=()),
    Case("a-return-of-nothing-known", _coded("555", reference=""), posted=()),
    Case("a-return-by-its-own-reference", report(
        WIRE, Transaction("558", "50000", "0", "W-1", "", "ACH REVERSAL"), opening="100000", closing="100000",
    ), posted=(*GOOD_POSTED, "reversal W-1/r 500.00 USD of W-1")),
    Case("a-return-by-the-customers-reference", report(
        WIRE, Transaction("552", "50000", "0", "W-2", "ASPEN-1", "WIRE SENT BACK"),
    ), posted=(*GOOD_POSTED, "reversal W-2 500.00 USD of W-1")),
    Case("a-return-before-its-original", report(
        Transaction("694", "50000", "0", "W-0", "ASPEN-1", "DEPOSIT REVERSAL"), WIRE,
    ), posted=("reversal W-0 500.00 USD of W-1", *GOOD_POSTED)),
    Case("a-second-return", report(
        WIRE,
        Transaction("552", "50000", "0", "W-2", "ASPEN-1"),
        Transaction("552", "50000", "0", "W-3", "ASPEN-1"),
    ), posted=(*GOOD_POSTED, "reversal W-2 500.00 USD of W-1", "reversal W-3 500.00 USD of W-1")),
    Case("a-partial-return", report(
        WIRE, Transaction("552", "10000", "0", "W-2", "ASPEN-1"),
    ), posted=(*GOOD_POSTED, "reversal W-2 100.00 USD of W-1")),
    Case("items-of-a-lockbox", report(
        Transaction("115", "300", "0", "L-1"), Transaction("116", "100", "0", "L-2"),
        Transaction("116", "200", "0", "L-3"),
    ), posted=("credit L-1 3.00 USD",), says=("is an item of a deposit that is reported as a whole too (code 115)",)),
    Case("items-alone", report(
        Transaction("116", "100", "0", "L-2"), Transaction("116", "200", "0", "L-3"),
    ), posted=("credit L-2 1.00 USD", "credit L-3 2.00 USD")),
]  # fmt: skip
TEXTS: Final = [
    Case("a-text-of-commas-and-slashes", _spoilt("ASPEN LP", "ASPEN, LP / A/C 1/2,"), posted=GOOD_POSTED),
    Case("a-text-with-formulas", _spoilt("ASPEN LP", '=HYPERLINK("http://x")'), posted=GOOD_POSTED),
    Case("a-text-with-NUL", GOOD.replace(b"ASPEN LP", b"ASPEN\x00LP"), posted=GOOD_POSTED),
    Case("a-text-in-windows-1252", GOOD.replace(b"ASPEN LP", b"S\xf8ren \x96 LP"), posted=GOOD_POSTED),
    Case("a-very-long-text", _one(Transaction("195", "1", "0", "W", "", "X" * 20_000)), ("line 4: the record is",)),
    Case("a-very-long-reference", _one(Transaction("195", "1", "0", "W" * 141)), ("the bank reference is longer",)),
    Case("a-reference-of-zeros", _one(Transaction("195", "1", "0", "0000000000")), posted=("credit fp-1 0.01 USD",)),
    Case("byte-order-mark", b"\xef\xbb\xbf" + GOOD, posted=GOOD_POSTED),
    Case("line-ends-of-a-mac", GOOD.replace(b"\n", b"\r"), posted=GOOD_POSTED),
    Case("empty-lines", GOOD.replace(b"\n", b"\n\n"), posted=GOOD_POSTED),
    Case("end-of-file-of-dos", GOOD + b"\x1a", posted=GOOD_POSTED),
    Case("filled-up-with-blanks", file(Group([Account(transactions=[WIRE])]), pad=94), posted=GOOD_POSTED),
    Case("two-equal-wires", report(*[Transaction("195", "100", "0", "", "", "TWIN")] * 2), posted=(
        "credit fp-1 1.00 USD", "credit fp-2 1.00 USD",
    )),
]  # fmt: skip

CASES: Final = [*DAMAGED, *TRAILERS, *GROUPS, *AMOUNTS, *FUNDS, *CODES, *TEXTS]
