"""Promises of refusal: a file that is not right is taken not at all, and says where and why."""

import pytest

from services.payments.feeds import BankFile, Limits, NotTaken, Problem, read
from tests.payments.feeds.documents import DAYS, URN, detail, document, entry, statement


def refused(data: bytes, limits: Limits | None = None) -> tuple[Problem, ...]:
    result = read(data, limits)
    assert isinstance(result, NotTaken), result
    assert result.problems
    return result.problems


def why(data: bytes, limits: Limits | None = None) -> str:
    (only,) = refused(data, limits)
    return f"{only.where}: {only.what}"


GOOD = document(statement(entry()))


def test_the_good_file_is_good() -> None:
    """What the cases below spoil is taken as it stands."""
    assert isinstance(read(GOOD), BankFile)


BILLION_LAUGHS = (
    "<!DOCTYPE Document ["
    '<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>\n"
)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Document>\n",
        '<!DOCTYPE Document [<!ENTITY amount "1000.00">]>\n',
        '<!DOCTYPE Document [<!ENTITY file SYSTEM "file:///etc/hostname">]>\n',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/evil.dtd">\n',
        '<!DOCTYPE Document [<!ENTITY % remote SYSTEM "http://127.0.0.1:9/x"> %remote;]>\n',
        BILLION_LAUGHS,
    ],
    ids=["plain", "internal entity", "external file", "external dtd", "parameter entity", "billion laughs"],
)
def test_every_doctype_is_refused(doctype: str) -> None:
    """Before any entity is defined, whatever it would have defined."""
    assert why(document(statement(entry()), before=doctype)).startswith("line 2: a DOCTYPE is never taken")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1: the file is empty"),
        (b" \n ", "line 1: the file is empty"),
        (b"Dear bank, see attached", "this is no bank statement that is known here"),
        (b"\x89PNG\r\n\x1a\n", "this is no bank statement that is known here"),
        (b"<?xml version='1.0'?><Document", "line 1: this is not well-formed XML"),
        (GOOD[: len(GOOD) // 2], "not well-formed XML"),
        (GOOD + b"<more/>", "line 4: this is not well-formed XML"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "encoding that the file declares is not known"),
        (GOOD.replace(b"400000.00", b"\xff\xfe"), "not well-formed XML"),
        (GOOD.replace(b"400000.00", b"&amount;"), "not well-formed XML: undefined entity"),
        (b"<html><body/></html>", "line 1: there is no Document element"),
        (b"<Document/>", "line 1: the namespace of Document is missing"),
        (GOOD.replace(URN.encode() + b"08", b"urn:other"), "the namespace of Document is urn:other"),
        (GOOD.replace(b"camt.053.001.08", b"camt.054.001.08"), "there is no BkToCstmrStmt in it"),
        (GOOD.replace(b"camt.053.001.08", b"pain.001.001.09"), "this is pain.001.001.09, an order to pay; only"),
        (GOOD.replace(b"camt.053.001.08", b"camt.029.001.09"), "the answer to a question about a payment; only"),
        (GOOD.replace(b"camt.053.001.08", b"camt.053.001.13"), "this is camt.053.001.13; only camt.052, camt.053"),
        (GOOD.replace(b"camt.053.001.08", b"camt.053.002.08"), "this is camt.053.002.08; only camt.052, camt.053"),
        (GOOD.replace(b"camt.053.001.08", b"camt.053.001.02"), "as the schema wants it"),
        (document(), "line 2: the file has no statement (Stmt) at all"),
        (GOOD.replace(b"</Document>", b"</Document>", 1).replace(b"<Document", b"<E><Document", 1).replace(
            b"</Document>", b"</Document><Document xmlns='urn:x'/></E>"), "the file has a second Document"),
    ],
)  # fmt: skip
def test_what_is_no_statement_says_so(data: bytes, said: str) -> None:
    """Other formats, other messages, cut or damaged files: one clear reason each."""
    assert said in why(data)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (entry("12..34"), "12..34"),
        (entry("1_000.50"), "Amt is not as the schema wants it: '1_000.50' is no value for it"),
        (entry("١٢٣"), "is no value for it"),
        (entry("1e5"), "'1e5' is no value for it"),
        (entry("-5.00"), "'-5.00' is not an amount"),
        (entry("+5.00"), "'+5.00' is not an amount"),
        (entry("NaN"), "NaN"),
        (entry("5,00"), "5,00"),
        (entry(""), "Amt"),
        (entry("1" * 16), "is not an amount"),
        (entry("100.005"), "100.005 has more than the 2 decimals of USD; nothing is rounded"),
        (entry("100.0000001"), "100.0000001 has more than the 2 decimals of USD"),
        (entry("100."), "'100.' is not an amount"),
        (entry("100.50", currency="JPY"), "100.50 has more than the 0 decimals of JPY"),
        (entry(currency="XXX"), "XXX is no currency"),
        (entry(currency="usd"), "usd is no currency"),
        (entry(currency="ZZZ"), "ZZZ is no currency"),
        (entry(mark="BOTH"), "CdtDbtInd is not as the schema wants it"),
        (entry(flag="yes"), "RvslInd is not as the schema wants it"),
        (entry(status=""), "Ntry is not as the schema wants it: it lacks Sts"),
        (entry(code=""), "it lacks BkTxCd"),
        (entry(days="<ValDt><Dt>2026-02-30</Dt></ValDt>"), "2026-02-30"),
        (entry(days="<ValDt><Dt>2.3.2026</Dt></ValDt>"), "2.3.2026"),
        (entry(days=""), "neither a value date nor a booking date"),
        (entry(days=DAYS + "<Nonsense/>"), "Nonsense"),
        (entry(days=DAYS + "words between"), "Ntry has text between its elements"),
        (entry(bank_reference="B" * 200), "longer than the 140 characters"),
        (entry(bank_reference="<b>B</b>"), "as the schema wants it"),
        (entry("30.00", details=detail("10.00") + detail("19.99")), "sum to 29.99 USD, but the entry says 30.00"),
        (entry("30.00", details=detail("29.00")), "the details sum to 29.00 USD, but the entry says 30.00"),
        (entry("30.00", details=detail("10.00") + detail()), "a detail of a batch states no amount"),
        (entry("30.00", details=detail("10.00") + detail("20.00", currency="EUR")), "in EUR and its entry in USD"),
        (entry("30.00", details=detail("40.00") + detail("10.00") + detail("20.00", mark="DBIT")), None),
    ],
)  # fmt: skip
def test_one_wrong_entry_refuses_the_file(spoilt: str, said: str | None) -> None:
    """The good entry before it is not taken either, and the reason names the line; a batch of both marks that sums is
    no error."""
    data = document(statement(entry(bank_reference="GOOD"), spoilt))
    if said is None:
        assert isinstance(read(data), BankFile)
        return
    answer = why(data)
    assert said in answer
    assert int(answer.removeprefix("line ").split(":")[0]) >= 4  # the first entry is on line 3


def test_every_wrong_entry_is_told_at_once() -> None:
    """A person who corrects a file wants all of its lines, up to a limit."""
    wrong = [entry("1.001", bank_reference=f"W-{n}") for n in range(5)]
    assert [p.where for p in refused(document(statement(entry(), *wrong)))] == [f"line {n}" for n in range(4, 9)]
    assert len(refused(document(statement(*wrong)), Limits(problems=2))) == 3


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (statement(entry(), account="<Acct><Id><Othr><Id> </Id></Othr></Id><Ccy>USD</Ccy></Acct>"), "names no account"),
        (statement(account="<Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>"), "names no currency"),
        (statement(account="<Acct><Id><Othr><Id>1</Id></Othr></Id><Ccy>XXX</Ccy></Acct>"), "XXX is no currency"),
        (statement(entry(), account=""), "it lacks Acct"),
        (statement(entry(), balances="<Bal/>"), "Bal is not as the schema wants it"),
    ],
)
def test_a_statement_without_what_it_needs_is_refused(spoilt: str, said: str) -> None:
    """No account or currency: nothing that could be posted by guessing."""
    assert said in why(document(spoilt))


def test_limits_hold() -> None:
    """Size, depth, number of entries and length of a text are capped, before memory is."""
    assert "bytes; at most 100 are taken" in why(GOOD, Limits(size_bytes=100))
    deep = "<a>" * 100 + "</a>" * 100
    assert "nested more than 48 deep" in why(document(statement(entry()), wrap=(f"<E>{deep}", "</E>")))
    inside = f"<SplmtryData><Envlp>{deep}</Envlp></SplmtryData>"
    assert "nested more than 48 deep" in why(document(statement(entry()) + inside))
    many = statement(*(entry(bank_reference=f"B-{n}") for n in range(6)))
    assert "more than 5 entries" in why(document(many), Limits(entries=5))
    batch = entry("6.00", details=detail("1.00") * 6)
    assert "more than 5 entries" in why(document(statement(batch)), Limits(entries=5))
    assert "a text is longer than 16384 characters" in why(document(statement(entry(note="x" * 20_000))))


def test_an_entry_in_a_banks_supplement_is_no_entry() -> None:
    """Supplementary data may hold anything, and nothing of it is money."""
    supplement = f"<SplmtryData><Envlp><Ntry xmlns=''>{'x'}</Ntry></Envlp></SplmtryData>"
    result = read(document(statement(entry()) + supplement))
    assert isinstance(result, BankFile)
    assert len(result.statements[0].entries) == 1
