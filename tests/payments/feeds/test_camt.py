"""Promises of the camt reader: what is taken, as what, and under which identity."""

from datetime import date
from pathlib import Path

import pytest

from services.payments.feeds import BankFile, Entry, Kind, Statement, WhyNot, read
from services.payments.feeds.model import Mark
from tests.payments.feeds.documents import (
    ACCOUNT,
    OLD_ACCOUNT,
    OPENING_ZERO,
    VERSIONS,
    balance,
    booked,
    detail,
    document,
    entry,
    statement,
)

FILES = Path(__file__).parent / "files"


def taken(data: bytes) -> tuple[Statement, ...]:
    result = read(data)
    assert isinstance(result, BankFile), result
    return result.statements


def entries(*given: str, version: str = "08") -> tuple[Entry, ...]:
    (only,) = taken(document(statement(*given), version=version))
    return only.entries


def one(given: str) -> Entry:
    (only,) = entries(given)
    return only


# ---- versions and wrappings


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["052", "053", "054"])
def test_every_version_of_every_message_reads_the_same(kind: str, version: str) -> None:
    """Report, statement and notification, versions .01 to .12: the same booking comes to the same entry."""
    inside = detail("400000.00") if version > "02" else "<TxDtls/>"
    given = entry(status=booked(version), details=inside)
    if version == "01":
        given = given.replace("<NtryDtls>", "").replace("</NtryDtls>", "")
    account = OLD_ACCOUNT if version == "01" else ACCOUNT
    data = document(statement(given, account=account, kind=kind), kind=kind, version=version)
    result = read(data)
    assert isinstance(result, BankFile), result
    assert result.format == f"camt.{kind}.001.{version}"
    ((found,),) = [one.entries for one in result.statements]
    assert (found.payment_id, found.kind, found.amount, found.value_date) == (
        "B-1",
        Kind.CREDIT,
        40_000_000,
        date(2026, 3, 3),
    )


def test_the_version_whose_details_state_amounts_elsewhere() -> None:
    """In .02 a detail's amount stands in AmtDtls, and the status is plain text."""
    amounts = '<AmtDtls><TxAmt><Amt Ccy="USD">{}</Amt></TxAmt></AmtDtls>'
    batch = "".join(f"<TxDtls>{amounts.format(amount)}</TxDtls>" for amount in ("150.00", "250.00"))
    found = entries(entry("400.00", status="<Sts>BOOK</Sts>", details=batch), version="02")
    assert [(e.payment_id, e.amount) for e in found] == [("B-1/1", 15_000), ("B-1/2", 25_000)]


def test_what_was_instructed_may_be_more_than_what_came() -> None:
    """A bank on the way kept its charges: of a single payment, what was booked counts."""
    instructed = '<TxDtls><AmtDtls><InstdAmt><Amt Ccy="USD">400000.00</Amt></InstdAmt></AmtDtls></TxDtls>'
    assert one(entry("399985.00", details=instructed)).amount == 39_998_500


def test_the_first_version_has_its_details_in_the_entry() -> None:
    """Version .01 knows no NtryDtls, another account element and another place for the reference."""
    refs = "<Refs><EndToEndId>RF97D0000000017</EndToEndId></Refs>"
    inside = entry(status="<Sts>BOOK</Sts>").replace("</Ntry>", f"<TxDtls>{refs}</TxDtls></Ntry>")
    (found,) = taken(document(statement(inside, account=OLD_ACCOUNT), version="01"))
    assert found.account == "4000123456"
    assert [e.reference for e in found.entries] == ["RF97D0000000017"]


def test_an_envelope_around_the_document_is_looked_through() -> None:
    """Banks wrap the document with an application header; only the document is read."""
    header = '<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><Any>thing</Any></AppHdr>'
    wrapped = document(statement(entry()), wrap=(f'<Envelope xmlns="urn:some:bank">{header}', "</Envelope>"))
    assert taken(wrapped)[0].entries[0].payment_id == "B-1"


def test_a_prefix_for_the_namespace_changes_nothing() -> None:
    """Names are told by namespace, not by prefix."""
    bare = document(statement(entry())).decode()
    prefixed = bare.replace("</", "</c:").replace("<c:", "<").replace("xmlns=", "xmlns:c=")
    for name in {piece.split(">")[0].split(" ")[0] for piece in prefixed.split("<")[1:] if piece[0].isalpha()}:
        prefixed = prefixed.replace(f"<{name}>", f"<c:{name}>").replace(f"<{name} ", f"<c:{name} ")
    prefixed = prefixed.replace("</c:c:", "</c:").replace("</", "</c:").replace("</c:c:", "</c:")
    assert taken(prefixed.encode())[0].entries[0].payment_id == "B-1"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_that_xml_knows(encoding: str) -> None:
    """The file's own declaration or its byte order mark decides how it is read."""
    text = document(statement(entry(note="Überweisung"))).decode()
    if encoding == "iso-8859-1":
        text = text.replace("UTF-8", "ISO-8859-1")
    elif encoding == "utf-16":
        text = text.replace("UTF-8", "UTF-16")
    assert taken(text.encode(encoding))[0].entries[0].remittance == "Überweisung"


def test_many_statements_in_one_file() -> None:
    """Each statement keeps its own entries, account and line."""
    other = "<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    first, second = taken(
        document(statement(entry()), "\n", statement(entry("5.00", currency="EUR"), id="S2", account=other))
    )
    assert (first.account, first.entries[0].amount) == ("4000123456", 40_000_000)
    assert (second.account, second.currency, second.entries[0].amount) == ("DE02120300000000202051", "EUR", 500)
    assert second.line > first.line


# ---- the reversal table


@pytest.mark.parametrize(
    ("mark", "flag", "returned", "kind", "why_not"),
    [
        ("CRDT", None, False, Kind.CREDIT, None),
        ("CRDT", "false", False, Kind.CREDIT, None),
        ("CRDT", "true", False, None, WhyNot.OWN_PAYMENT_RETURNED),
        ("CRDT", "1", False, None, WhyNot.OWN_PAYMENT_RETURNED),
        ("CRDT", None, True, None, WhyNot.OWN_PAYMENT_RETURNED),
        ("DBIT", "true", False, Kind.REVERSAL, None),
        ("DBIT", "1", False, Kind.REVERSAL, None),
        ("DBIT", None, True, Kind.REVERSAL, None),
        ("DBIT", None, False, None, WhyNot.NOT_OURS),
        ("DBIT", "false", False, None, WhyNot.NOT_OURS),
    ],
)
def test_the_reversal_table(
    mark: str, flag: str | None, returned: bool, kind: Kind | None, why_not: WhyNot | None
) -> None:
    """What a booking is follows from its mark, its reversal flag and its return information, and from nothing else."""
    inside = detail("10.00", refs="<EndToEndId>E-1</EndToEndId>", returned=returned, mark=mark)
    found = one(entry("10.00", mark=mark, flag=flag, details=inside))
    assert (found.kind, found.why_not, found.posted) == (kind, why_not, why_not is None)
    assert found.mark is (Mark.CREDIT if mark == "CRDT" else Mark.DEBIT)  # never flipped
    assert found.amount == 1_000


@pytest.mark.parametrize(
    ("status", "why_not"),
    [
        ("<Sts><Cd>BOOK</Cd></Sts>", None),
        ("<Sts><Cd>PDNG</Cd></Sts>", WhyNot.PENDING),
        ("<Sts><Cd>INFO</Cd></Sts>", WhyNot.NOT_BOOKED),
        ("<Sts><Cd>FUTR</Cd></Sts>", WhyNot.NOT_BOOKED),
        ("<Sts><Prtry>BOOKED-ISH</Prtry></Sts>", WhyNot.NOT_BOOKED),
    ],
)
def test_only_booked_entries_post(status: str, why_not: WhyNot | None) -> None:
    """A pending entry is shown with why it is not posted, and counts for no balance."""
    found = one(entry(status=status))
    assert (found.posted, found.why_not, found.booked) == (why_not is None, why_not, why_not is None)


def test_an_entry_of_nothing_is_shown() -> None:
    """An amount of zero is no payment."""
    assert one(entry("0.00")).why_not is WhyNot.ZERO_AMOUNT


# ---- identity


def test_a_batch_is_one_payment_for_each_detail() -> None:
    """With the entry's reference alone, details are numbered under it."""
    found = entries(entry("30.00", details=detail("10.00") + detail("20.00")))
    assert [(e.payment_id, e.amount) for e in found] == [("B-1/1", 1_000), ("B-1/2", 2_000)]


def test_details_with_references_of_their_own_keep_them() -> None:
    """The bank's reference of a detail is better than a number, where it tells the details apart."""
    own = [detail("15.00", refs=f"<AcctSvcrRef>D-{n}</AcctSvcrRef>") for n in (1, 2)]
    assert [e.payment_id for e in entries(entry("30.00", details="".join(own)))] == ["D-1", "D-2"]
    same = detail("15.00", refs="<AcctSvcrRef>B-1</AcctSvcrRef>")
    assert [e.payment_id for e in entries(entry("30.00", details=same + same))] == ["B-1/1", "B-1/2"]


def test_two_equal_wires_stay_two() -> None:
    """Equal in everything but the bank's reference, or without any: still two payments, each with its identity."""
    assert [e.payment_id for e in entries(entry(), entry(bank_reference="B-2"))] == ["B-1", "B-2"]
    nameless = entry(bank_reference=None)
    first, second = entries(nameless, nameless)
    assert first.payment_id.removesuffix("-1") == second.payment_id.removesuffix("-2")
    assert [e.payment_id for e in entries(nameless, nameless)] == [first.payment_id, second.payment_id]


def test_a_placeholder_is_no_reference() -> None:
    """What a bank writes for want of a reference identifies nothing."""
    found = one(
        entry(bank_reference="NONREF", details=detail("400000.00", refs="<EndToEndId>NOTPROVIDED</EndToEndId>"))
    )
    assert found.payment_id.startswith("fp-")
    assert found.reference is None


def test_overlapping_statements_give_the_same_identities() -> None:
    """The same bookings, re-sent with later ones around them, have the identities they had."""
    days = [entry(bank_reference=None, note=note) for note in ("A", "B", "B", "C")]
    first = [e.payment_id for e in entries(*days)]
    (resent,) = taken(document(statement(*days, entry(bank_reference=None, note="D"), id="S-later")))
    assert [e.payment_id for e in resent.entries][:4] == first
    assert len(set(first)) == 4


def test_a_statement_twice_in_one_file_gives_no_new_identities() -> None:
    """Without pages, a statement that is repeated is the same statement."""
    nameless = statement(entry(bank_reference=None))
    first, second = taken(document(nameless, nameless))
    assert first.entries[0].payment_id == second.entries[0].payment_id


def test_equal_entries_on_two_pages_stay_two() -> None:
    """Pages of one statement in one file count on; a page alone says that it is one."""
    pages = [
        statement(
            entry(bank_reference=None),
            head=f"<StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn>",
        )
        for number, last in ((1, "false"), (2, "true"))
    ]
    first, second = taken(document(*pages))
    assert first.entries[0].payment_id != second.entries[0].payment_id
    assert "one page of several" in second.problems[0].what


def test_pending_today_is_booked_tomorrow_under_the_same_identity() -> None:
    """What is only shown uses up no occurrence number."""
    nameless, pending = entry(bank_reference=None), entry(bank_reference=None, status="<Sts><Cd>PDNG</Cd></Sts>")
    assert entries(pending, nameless)[1].payment_id == one(nameless).payment_id


def test_a_reference_given_twice_in_one_statement_is_numbered() -> None:
    """A bank whose references are not unique still gets two payments for two bookings."""
    assert [e.payment_id for e in entries(entry("1.00"), entry("2.00"))] == ["B-1", "B-1#2"]


# ---- what money says of itself


def test_the_reference_that_is_ours_is_found() -> None:
    """Of several references the one with our check digits is the reference; the payer's own stays the end-to-end id."""
    strd = "<Strd><CdtrRefInf><Ref>RF97D0000000017</Ref></CdtrRefInf></Strd>"
    found = one(entry(details=detail("400000.00", refs="<EndToEndId>PAYER-7</EndToEndId>", remittance=strd)))
    assert (found.reference, found.end_to_end_id) == ("RF97D0000000017", "PAYER-7")
    lost = one(entry(details=detail("400000.00", refs="<EndToEndId>PAYER-7</EndToEndId>")))
    assert lost.reference == "PAYER-7"


def test_two_references_of_ours_are_both_seen() -> None:
    """If a structured reference and the end-to-end id name two calls, neither is lost: matching must see both."""
    strd = "<Strd><CdtrRefInf><Ref>RF97D0000000017</Ref></CdtrRefInf></Strd>"
    found = one(entry(details=detail("400000.00", refs="<EndToEndId>RF44D0000000001</EndToEndId>", remittance=strd)))
    assert (found.reference, found.remittance) == ("RF97D0000000017", "RF44D0000000001")


def test_remittance_is_joined_and_cleaned() -> None:
    """Lines of free text are one text without line breaks; a batch's own text is no detail's."""
    lines = "<Ustrd>capital call\n 1</Ustrd><Ustrd>Balerion\tII</Ustrd>"
    assert one(entry(details=detail("400000.00", remittance=lines), note="WIRE")).remittance == (
        "capital call 1 Balerion II WIRE"
    )
    batch = entries(entry("30.00", note="RF97D0000000017", details=detail("10.00") + detail("20.00")))
    assert [e.remittance for e in batch] == [None, None]


@pytest.mark.parametrize(("open_tag", "close_tag"), [("<Pty>", "</Pty>"), ("", "")])
def test_the_remitter_is_found_in_old_and_new_places(open_tag: str, close_tag: str) -> None:
    """Name and account of the sender, where versions up to .07 and from .08 on keep them."""
    parties = (
        f"<Dbtr>{open_tag}<Nm>Acme LP</Nm>{close_tag}</Dbtr>"
        "<DbtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id></DbtrAcct>"
    )
    version = "08" if open_tag else "06"
    paid = entry(status=booked(version), details=detail("400000.00", parties=parties))
    (found,) = entries(paid, version=version)
    assert (found.remitter_name, found.remitter_account) == ("Acme LP", "DE02120300000000202051")


def test_the_method_follows_from_the_banks_code() -> None:
    """A transaction code of ISO that tells how the money travelled is kept; a bank's own tells nothing."""
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
    assert one(entry(code=code)).method == "sepa"
    assert one(entry()).method is None


def test_days_are_the_banks_own() -> None:
    """A time with an offset is not moved to another day; a missing value date is the booking date."""
    timed = "<BookgDt><DtTm>2026-03-02T23:30:00-05:00</DtTm></BookgDt>"
    found = one(entry(days=timed))
    assert (found.booking_date, found.value_date) == (date(2026, 3, 2), date(2026, 3, 2))


def test_currencies_have_their_own_decimals() -> None:
    """Yen have none, dinars three."""
    account = "<Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>"
    for code, amount, minor in (
        ("JPY", "400000", 400_000),
        ("KWD", "1.234", 1_234),
        ("USD", "7", 700),
        ("EUR", "8.850", 885),  # zeros that some banks fill up with
        ("JPY", "400000.00", 400_000),
    ):
        (found,) = taken(document(statement(entry(amount, currency=code), account=account)))
        assert (found.currency, found.entries[0].amount) == (code, minor)


# ---- the proof of a statement


@pytest.mark.parametrize(
    ("balances", "proven"),
    [
        (balance("OPBD", "100.00") + balance("CLBD", "450.00"), True),
        (balance("PRCD", "100.00") + balance("CLBD", "450.00"), True),
        (balance("OPBD", "400.00", "DBIT") + balance("CLBD", "50.00", "DBIT"), True),
        (balance("OPBD", "100.00") + balance("CLBD", "450.01"), False),
        (balance("CLBD", "450.00"), None),
        ("", None),
        (OPENING_ZERO + balance("CLAV", "350.00"), None),
    ],
)
def test_opening_and_booked_entries_make_the_closing(balances: str, proven: bool | None) -> None:
    """To the cent: credits less debits, ours or not, pending ones left out; what is not stated cannot be proven."""
    lines = [
        entry("400.00"),
        entry("50.00", mark="DBIT", bank_reference="FEE"),
        entry("9.00", status="<Sts><Cd>PDNG</Cd></Sts>", bank_reference="P"),
    ]
    (found,) = taken(document(statement(*lines, balances=balances)))
    assert found.proven is proven
    assert len(found.problems) == (1 if proven is False else 0)


def test_entries_of_another_currency_prove_nothing() -> None:
    """Nothing is added across currencies."""
    balances = balance("OPBD", "0.00") + balance("CLBD", "400.00")
    (found,) = taken(document(statement(entry("400.00", currency="EUR"), balances=balances)))
    assert found.proven is None
    assert "EUR" in found.problems[0].what


# ---- files


def test_the_files_of_a_made_up_bank() -> None:
    """A file with every habit at once reads as the table says, in this order."""
    (found,) = taken((FILES / "habits-of-a-bank.xml").read_bytes())
    assert found.proven is True
    assert [(e.payment_id, e.kind, e.amount, e.why_not) for e in found.entries] == [
        ("NY-100", Kind.CREDIT, 40_000_000, None),
        ("NY-101/1", Kind.CREDIT, 10_000, None),
        ("NY-101/2", Kind.CREDIT, 20_000, None),
        ("NY-102", None, 3_500, WhyNot.NOT_OURS),
        ("NY-103", Kind.REVERSAL, 40_000_000, None),
        ("NY-104", None, 7_700, WhyNot.OWN_PAYMENT_RETURNED),
        ("NY-105", Kind.CREDIT, 60_000_000, WhyNot.PENDING),
    ]
    assert (found.entries[4].reverses, found.entries[4].original_found) == ("NY-100", True)
