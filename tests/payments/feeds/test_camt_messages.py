"""Promises across camt messages: what one announces, another shows, and a bank repeats stays one payment."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from services.payments.feeds import BankFile, Entry, Kind, NotTaken, Statement, WhyNot, read
from tests.payments.feeds.documents import (
    ACCOUNT,
    OPENING_ZERO,
    VERSIONS,
    balance,
    booked,
    detail,
    document,
    entry,
    statement,
)

TRACE = "<UETR>8a562c67-ca16-48ba-b074-65581be6f001</UETR>"
PENDING = "<Sts><Cd>PDNG</Cd></Sts>"


def taken(*entries: str, kind: str = "053", balances: str = "", **of_document: str) -> Statement:
    data = document(statement(*entries, kind=kind, balances=balances), kind=kind, **of_document)  # type: ignore[arg-type]  # only texts are given
    result = read(data)
    assert isinstance(result, BankFile), result
    return result.statements[0]


def ids(*entries: str, kind: str = "053") -> list[str]:
    return [one.payment_id for one in taken(*entries, kind=kind).entries]


def refs(bank: str) -> str:
    return f"<AcctSvcrRef>{bank}</AcctSvcrRef>"


# ---- one payment in several messages


@pytest.mark.parametrize(
    "given",
    [
        entry(),
        entry(details=detail("400000.00", refs=refs("D-1"))),
        entry(bank_reference=None, details=detail("400000.00", refs=refs("D-1"))),
        entry("30.00", details=detail("10.00") + detail("20.00")),
        entry("30.00", details=detail("10.00", refs=refs("D-1")) + detail("20.00", refs=refs("D-2"))),
        entry(bank_reference=None, details=detail("400000.00", refs=TRACE)),
    ],
    ids=["entry", "entry and detail", "detail", "batch", "batch with references", "no reference"],
)
def test_what_a_notification_announces_a_statement_shows_as_the_same_payment(given: str) -> None:
    """camt.054 first, camt.052 in between, camt.053 at night: one identity, wherever the bank puts its reference."""
    assert ids(given, kind="054") == ids(given, kind="052") == ids(given, kind="053")


def test_pending_in_a_report_and_booked_in_a_statement_is_one_payment() -> None:
    """The report shows it without posting it and uses up no identity; the day of booking is not known yet."""
    waits = entry(status=PENDING, days="<ValDt><Dt>2026-03-04</Dt></ValDt>")
    (pending,) = taken(waits, kind="052").entries
    (comes,) = taken(entry()).entries
    assert (pending.why_not, pending.posted) == (WhyNot.PENDING, False)
    assert pending.payment_id == comes.payment_id == "B-1"
    both = taken(waits, entry(), kind="052").entries
    assert [(one.payment_id, one.posted) for one in both] == [("B-1", False), ("B-1", True)]


def test_a_number_within_the_statement_identifies_nothing() -> None:
    """Most banks just count in NtryRef, and begin anew every day: tomorrow's first entry is not today's."""
    first = entry(bank_reference=None, note="A").replace("<Ntry>", "<Ntry><NtryRef>1</NtryRef>")
    second = entry(bank_reference=None, note="B").replace("<Ntry>", "<Ntry><NtryRef>1</NtryRef>")
    assert ids(first) != ids(second)
    assert ids(first) == ids(entry(bank_reference=None, note="A"))


def test_equal_wires_of_two_reports_are_told_apart_by_their_trace() -> None:
    """Two reports of one day, each with what is new: without a bank's reference, the UETR keeps two wires two."""
    first, second = (
        entry(bank_reference=None, details=detail(refs=f"<UETR>8a562c67-ca16-48ba-b074-65581be6f00{n}</UETR>"))
        for n in (1, 2)
    )
    assert ids(first, kind="052") != ids(second, kind="052")
    assert ids(first, second) == ids(first, kind="052") + ids(second, kind="052")


def test_a_batch_whose_payments_stand_elsewhere_is_pointed_out() -> None:
    """It is booked, and it is posted; that its payments may come in a notification too, a person must know."""
    batch = entry("30.00", details="<NOTHING/>").replace("<NOTHING/>", "<Btch><NbOfTxs>2</NbOfTxs></Btch>")
    refers = entry(bank_reference="B-2").replace(
        "</BkTxCd>", "</BkTxCd><AddtlInfInd><MsgNmId>camt.054.001.08</MsgNmId></AddtlInfInd>"
    )
    found = taken(batch, refers, entry(bank_reference="B-3"))
    assert [one.posted for one in found.entries] == [True, True, True]
    (problem,) = found.problems
    assert "keep their details back, or refer to another message for them: 2, the first on line 3" in problem.what
    assert taken(entry("30.00", details=detail("10.00") + detail("20.00"))).problems == ()


def test_a_statement_that_is_in_the_file_twice_is_pointed_out() -> None:
    """Its entries keep their identities, so nothing is posted twice; the second one says what it is."""
    once = statement(entry())
    result = read(document(once, once))
    assert isinstance(result, BankFile)
    first, second = result.statements
    assert first.entries[0].payment_id == second.entries[0].payment_id
    assert first.problems == ()
    assert [p.what.split(":")[0] for p in second.problems] == ["it is in the file once more"]


# ---- booked or not


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["052", "053", "054"])
def test_what_is_not_booked_is_never_posted(kind: str, version: str) -> None:
    """Pending in every version and message that knows it, and what is only for information."""
    for status, why_not in (("PDNG", WhyNot.PENDING), ("INFO", WhyNot.NOT_BOOKED)):
        account = ACCOUNT.replace("<Othr>", "<PrtryAcct>").replace("</Othr>", "</PrtryAcct>")
        stmt = statement(
            entry(status=booked(version, status)), account=account if version == "01" else ACCOUNT, kind=kind
        )
        result = read(document(stmt, kind=kind, version=version))
        if isinstance(result, NotTaken):  # the first statements know booked entries only
            assert (version, status) in {("01", "PDNG"), ("01", "INFO")}
            assert "is no value for it" in result.problems[0].what
            continue
        (found,) = result.statements[0].entries
        assert (found.posted, found.why_not, found.booked) == (False, why_not, False)


@pytest.mark.parametrize(("version", "status"), [("06", "<Sts><Cd>BOOK</Cd></Sts>"), ("07", "<Sts>BOOK</Sts>")])
def test_a_status_in_the_form_of_another_version_is_refused(version: str, status: str) -> None:
    """What the schema does not know might be overlooked, and a pending entry posted."""
    result = read(document(statement(entry(status=status)), version=version))
    assert isinstance(result, NotTaken)
    assert "Sts is not as the schema wants it" in result.problems[0].what


@pytest.mark.parametrize(
    ("family", "mark", "expected"),
    [
        ("RCDT</Cd><SubFmlyCd>RRTN", "DBIT", Kind.REVERSAL),
        ("RCHQ</Cd><SubFmlyCd>UPCQ", "DBIT", Kind.REVERSAL),
        ("IDDT</Cd><SubFmlyCd>UPDD", "DBIT", Kind.REVERSAL),
        ("ICDT</Cd><SubFmlyCd>RRTN", "CRDT", WhyNot.OWN_PAYMENT_RETURNED),
        ("RCDT</Cd><SubFmlyCd>ESCT", "CRDT", Kind.CREDIT),
        ("ICDT</Cd><SubFmlyCd>ESCT", "DBIT", WhyNot.NOT_OURS),
    ],
)
def test_a_code_of_iso_that_says_back_is_a_mark_like_the_others(
    family: str, mark: str, expected: Kind | WhyNot
) -> None:
    """A bounced cheque or a returned transfer, from a bank that sets no reversal flag."""
    code = f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    inside = detail("400000.00", refs="<EndToEndId>E-1</EndToEndId>", mark=mark)
    (found,) = taken(entry(mark=mark, code=code, details=inside)).entries
    assert (found.kind or found.why_not) == expected


# ---- amounts of details


def charges(*amounts: str, currency: str = "USD", mark: str = "DBIT") -> str:
    records = "".join(f'<Rcrd><Amt Ccy="{currency}">{one}</Amt><CdtDbtInd>{mark}</CdtDbtInd></Rcrd>' for one in amounts)
    return f"</CdtDbtInd><Chrgs>{records}</Chrgs>"


def with_charges(one: str, given: str) -> str:
    """A detail with charges behind its mark."""
    head, _, tail = one.partition("</CdtDbtInd>")
    return head + given + tail


@pytest.mark.parametrize(
    ("total", "details", "amounts"),
    [
        ("399985.00", with_charges(detail("400000.00"), charges("10.00", "5.00")), [39_998_500]),
        ("29.00", with_charges(detail("10.00"), charges("1.00")) + detail("20.00"), [900, 2_000]),
        ("400015.00", with_charges(detail("400000.00"), charges("15.00", mark="CRDT")), [40_001_500]),
        ("400000.00", with_charges(detail("400000.00"), charges("15.00")), [40_000_000]),
    ],
    ids=["single", "in a batch", "given back", "already taken off"],
)
def test_charges_that_were_kept_explain_a_difference(total: str, details: str, amounts: list[int]) -> None:
    """What the bank lists as kept, and only that, to the cent; what counts is what was booked."""
    assert [one.amount for one in taken(entry(total, details=details)).entries] == amounts


@pytest.mark.parametrize(
    "details",
    [
        with_charges(detail("400000.00"), charges("14.99")),
        with_charges(detail("400000.00"), charges("15.00", currency="EUR")),
        with_charges(detail("400000.00"), charges("15.00", mark="CRDT")),
    ],
)
def test_charges_that_do_not_explain_it_refuse_the_file(details: str) -> None:
    """A cent, another currency or another direction is no explanation."""
    result = read(document(statement(entry("399985.00", details=details))))
    assert isinstance(result, NotTaken)
    assert "the details sum to 400000.00 USD, but the entry says 399985.00" in result.problems[0].what


def test_details_in_the_payers_currency() -> None:
    """What was instructed in another currency is told besides; what was booked is in the account's."""
    part = (
        '<TxDtls><AmtDtls><InstdAmt><Amt Ccy="EUR">{}</Amt></InstdAmt>'
        '<TxAmt><Amt Ccy="USD">{}</Amt></TxAmt></AmtDtls></TxDtls>'
    )
    batch = entry("33.00", details=part.format("10.00", "11.00") + part.format("20.00", "22.00"))
    assert [(one.amount, one.currency) for one in taken(batch).entries] == [(1_100, "USD"), (2_200, "USD")]


# ---- balances of reports and pages


@pytest.mark.parametrize(
    ("kind", "balances", "proven"),
    [
        ("052", balance("OPBD", "100.00") + balance("ITBD", "500.00"), None),
        ("052", balance("OPBD", "100.00") + balance("ITBD", "999.00"), None),
        ("052", balance("ITBD", "100.00") + balance("ITBD", "500.00"), True),
        ("052", balance("OPBD", "100.00") + balance("CLBD", "500.00"), True),
        ("052", balance("OPBD", "100.00") + balance("CLBD", "500.01"), False),
        ("053", balance("OPBD", "100.00") + balance("ITBD", "500.00"), True),
        ("053", balance("ITBD", "100.00") + balance("CLBD", "500.00"), True),
        ("053", balance("ITBD", "100.00") + balance("CLBD", "500.01"), False),
        ("053", balance("ITBD", "500.00"), None),
        ("052", OPENING_ZERO, None),
        ("054", "", None),
    ],
)
def test_balances_prove_what_stands_between_them(kind: str, balances: str, proven: bool | None) -> None:
    """A report that shows only what is new cries no wolf; pages pass on an interim balance."""
    assert taken(entry("400.00"), kind=kind, balances=balances).proven is proven


# ---- in pieces


@dataclass(frozen=True, slots=True)
class Crumbs:
    """A file that comes in very small pieces."""

    data: bytes
    piece_bytes: int

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), self.piece_bytes):
            yield self.data[start : start + self.piece_bytes]


@pytest.mark.parametrize("piece_bytes", [100, 1000, 4096])
def test_pieces_make_no_difference(piece_bytes: int) -> None:
    """Wherever a file is cut on its way, even within a letter, it reads the same."""
    batch = detail("10.00", remittance="<Ustrd>Überweisung Ⅱ &amp; 日本</Ustrd>") + detail("20.00")
    data = document(statement(*(entry("30.00", bank_reference=f"B-{n}", details=batch) for n in range(20))))
    assert read(Crumbs(data, piece_bytes)) == read(data)


def entries_of(data: bytes) -> list[Entry]:
    result = read(data)
    assert isinstance(result, BankFile), result
    return [one for stmt in result.statements for one in stmt.entries]


def test_accounts_and_currencies_side_by_side() -> None:
    """One file, one account in two currencies and another one: each statement has its own, and nothing is added."""
    euros = "<Acct><Id><Othr><Id>4000123456</Id></Othr></Id><Ccy>EUR</Ccy></Acct>"
    yen = "<Acct><Id><Othr><Id>4000999999</Id></Othr></Id><Ccy>JPY</Ccy></Acct>"
    data = document(
        statement(entry("1.00")),
        statement(entry("1.00", currency="EUR", bank_reference="B-2"), id="S2", account=euros),
        statement(entry("1", currency="JPY", bank_reference="B-3"), id="S3", account=yen),
    )
    assert [(one.amount, one.currency) for one in entries_of(data)] == [(100, "USD"), (100, "EUR"), (1, "JPY")]
