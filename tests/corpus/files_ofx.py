"""L: OFX and QFX files that are wrong, or only look wrong, each with what must come of it.

The good file is one account in dollars with a wire of 500.00 under the FITID T-1, once as SGML and once as XML.
"""

from typing import Final

from tests.corpus.files_bai2 import Case
from tests.payments.feeds.writing_ofx import Entry, Manner, Statement, document, entry

XML: Final = Manner(xml=True)
UTF8: Final = Manner(encoding="UTF-8", charset="NONE")
WIRE: Final = entry("500.00", "CREDIT", "T-1", NAME="ASPEN LP", MEMO="RF97D0000000017")
GOOD: Final = document(Statement(entries=[WIRE]))
GOOD_XML: Final = document(Statement(entries=[WIRE]), manner=XML)
GOOD_POSTED: Final = ("credit T-1 500.00 USD",)


def _spoilt(old: str, new: str, good: bytes = GOOD) -> bytes:
    assert old.encode() in good, old
    return good.replace(old.encode(), new.encode(), 1)


def _xml(old: str, new: str) -> bytes:
    return _spoilt(old, new, GOOD_XML)


def _of(*entries: Entry, currency: str = "USD", manner: Manner | None = None) -> bytes:
    return document(Statement(entries=entries, currency=currency), manner=manner)


def _headed(name: str, value: str) -> bytes:
    return _of(WIRE, manner=Manner(headers={name: value}))


HEADERS: Final = [
    Case("header-alone", GOOD[: GOOD.index(b"<OFX>")], ("line 1: the header: no '<' anywhere",)),
    Case("no-header", GOOD[GOOD.index(b"<OFX>") :], ("line 1: the header: header block untrusted",)),
    Case("a-line-without-colon", _spoilt("DATA:OFXSGML", "DATA"), ("line 1: the header: line without a ':'",)),
    Case("a-header-twice", _spoilt("CHARSET:1252", "CHARSET:1252\nCHARSET:8859-1"), ("CHARSET declared twice",)),
    Case("encrypted", _headed("SECURITY", "TYPE1"), ("line 1: the header says SECURITY:TYPE1",)),
    Case("compressed", _headed("COMPRESSION", "ZIP"), ("line 1: the header says COMPRESSION:ZIP",)),
    Case("data-of-another-kind", _headed("DATA", "EXCEL"), ("line 1: the header says DATA:EXCEL",)),
    Case("unicode", _headed("ENCODING", "UNICODE"), ("line 1: the header says ENCODING:UNICODE",)),
    Case("unknown-charset", _headed("CHARSET", "1251"), ("line 1: the header: CHARSET is none of",)),
    Case("ascii-that-is-none", GOOD.replace(b"CHARSET:1252", b"CHARSET:NONE").replace(b"ASPEN", b"\xc4SPEN"), (
        "line 1: the header: declared USASCII but byte 0xC4",
    )),
    Case("not-the-utf-8-it-says", document(Statement(entries=[WIRE]), manner=UTF8).replace(b"ASPEN", b"\xc4SPEN"), (
        "line 1: the header: utf-8 cannot decode byte 0xC4",
    )),
    Case("windows-1252-as-it-says", GOOD.replace(b"ASPEN", b"\xc4SPEN"), posted=GOOD_POSTED),
    Case("utf-8-as-it-says", _of(entry("1.00", NAME="Ærø LP"), manner=UTF8), posted=("credit T-1 1.00 USD",)),
    Case("blank-lines-above", b"\n\n" + GOOD, posted=GOOD_POSTED),
    Case("byte-order-mark", b"\xef\xbb\xbf" + GOOD, posted=GOOD_POSTED),
    Case("secured-xml", _xml('SECURITY="NONE"', 'SECURITY="TYPE1"'), ("line 1: the header says SECURITY TYPE1",)),
    Case("xml-in-an-encoding-with-NUL", _xml('encoding="UTF-8"', 'encoding="UTF\x008"'), ("line 1: the encoding",)),
    Case("xml-in-klingon", _xml('encoding="UTF-8"', 'encoding="klingon"'), ("line 1: ",)),
]  # fmt: skip
ATTACKS: Final = [
    Case("doctype", _xml("<OFX>", "<!DOCTYPE OFX>\n<OFX>"), ("line 3: a DOCTYPE is never taken",)),
    Case("external-entity", _xml("<?OFX", '<!DOCTYPE OFX [<!ENTITY f SYSTEM "file:///etc/hostname">]>\n<?OFX'), (
        "line 2: a DOCTYPE is never taken",
    )),
    Case("entity-in-an-amount", _xml("500.00", "&amount;"), ("this is not well-formed XML",)),
    Case("doctype-in-sgml", _spoilt("<BANKMSGSRSV1>", "<!DOCTYPE x>\n<BANKMSGSRSV1>"), ("a DOCTYPE or a declaration",)),
    Case("entity-declared-in-sgml", _spoilt("<STMTRS>", '<!ENTITY a "b">\n<STMTRS>'), ("a declaration is never",)),
    Case("nested-deep", _spoilt("<MEMO>", "<A>" * 60 + "</A>" * 60 + "<MEMO>"), ("nested more than 48 deep",)),
    Case("nested-deep-in-xml", _xml("<MEMO>", "<A>" * 60 + "</A>" * 60 + "<MEMO>"), ("nested more than 48 deep",)),
    Case("opened-without-end", b"OFXHEADER:100\n\n<OFX>" + b"<A>" * 100_000, ("line 3: elements are nested more",)),
    Case("only-tags", b"OFXHEADER:100\n\n" + b"<A>1" * 600_001, ("line 1: the file has more than 600000 tags",)),
    Case("a-very-long-text", _spoilt("ASPEN LP", "A" * 20_000), ("a text is longer than 16384 characters",)),
]  # fmt: skip
TAGS: Final = [
    Case("cut-in-an-entry", GOOD[: GOOD.index(b"<FITID>")], ("STMTTRN is opened here and never closed",)),
    Case("cut-behind-an-entry", GOOD[: GOOD.index(b"</BANKTRANLIST>")], ("BANKTRANLIST is opened here and never",)),
    Case("cut-before-the-end", GOOD[: GOOD.index(b"</OFX>")], ("OFX is opened here and never closed",)),
    Case("cut-xml", GOOD_XML[: GOOD_XML.index(b"<FITID>")], ("this is not well-formed XML",)),
    Case("an-entry-without-end", document(Statement(entries=[WIRE, entry("1.00", "CREDIT", "T-2")])).replace(
        b"</STMTTRN>", b"", 1), ("</BANKTRANLIST> closes nothing: STMTTRN of line ",)),
    Case("a-statement-without-end", _spoilt("</STMTRS>", ""), ("</STMTTRNRS> closes nothing: STMTRS of line ",)),
    Case("an-end-without-begin", _spoilt("</STMTTRN>", "</STMTTRN></STMTTRN>"), ("</STMTTRN> closes nothing",)),
    Case("text-between", _spoilt("</STMTTRN>", "</STMTTRN> and more"), ("there is text between tags",)),
    Case("text-behind", GOOD + b"that was all\n", ("there is text behind the last tag",)),
    Case("two-documents", GOOD + GOOD[GOOD.index(b"<OFX>") :], ("there must be one OFX element",)),
    Case("an-unknown-empty-tag", _spoilt("<MEMO>", "<X.NOTE>\n<MEMO>"), ("</STMTTRN> closes nothing: X.NOTE of line",)),
    Case("a-bare-less-than", _spoilt("ASPEN LP", "A < B LP"), posted=GOOD_POSTED),
    Case("a-comment", _spoilt("<STMTTRN>", "<!-- <STMTTRN> -->\n<STMTTRN>"), posted=GOOD_POSTED),
    Case("known-tags-left-empty", _spoilt("<NAME>ASPEN LP", "<NAME>\n<CHECKNUM>\n<REFNUM>"), posted=GOOD_POSTED),
    Case("tags-of-the-banks-own", _spoilt("<MEMO>", "<X.CATEGORY>9<MEMO>"), posted=GOOD_POSTED),
    Case("tags-in-small-letters", GOOD.replace(b"STMTTRN>", b"stmttrn>"), posted=GOOD_POSTED),
    Case("an-ampersand-of-sgml", _spoilt("ASPEN LP", "AT&T &amp; CO"), posted=GOOD_POSTED),
    Case("line-ends-of-a-mac", GOOD.replace(b"\n", b"\r"), posted=GOOD_POSTED),
]  # fmt: skip
STATEMENTS: Final = [
    Case("no-statement", document(), ("the file has no bank or credit-card statement",)),
    Case("the-bank-says-error", _spoilt("INFO\n</STATUS>\n<STMTRS>", "ERROR\n<MESSAGE>Try later</STATUS>\n<STMTRS>"), (
        "the bank answers with error 0: Try later",
    )),
    Case("investments", _spoilt("</OFX>", "<INVSTMTMSGSRSV1>\n<INVSTMTRS></INVSTMTRS></INVSTMTMSGSRSV1></OFX>"), (
        "there is a statement of investments",
    )),
    Case("no-account", _spoilt("<ACCTID>4000123456", "<ACCTID>"), ("the statement names no account",)),
    Case("no-currency", _spoilt("<CURDEF>USD", ""), ("the statement names no currency (CURDEF)",)),
    Case("empty-currency", _spoilt("<CURDEF>USD", "<CURDEF>"), ("the statement names no currency (CURDEF)",)),
    Case("unknown-currency", _spoilt("<CURDEF>USD", "<CURDEF>XXX"), ("XXX is no currency that ISO 4217 lists",)),
    Case("a-balance-in-words", _spoilt("<BALAMT>100.00", "<BALAMT>plenty"), ("BALAMT is 'plenty', which is not",)),
    Case("a-balance-of-a-half-cent", _spoilt("<BALAMT>100.00", "<BALAMT>100.005"), ("nothing is rounded",)),
    Case("a-balance-of-no-day", _spoilt("<DTASOF>20260302", "<DTASOF>00000000"), ("'00000000' is not a date",)),
    Case("an-entry-outside-the-list", _spoilt("</BANKTRANLIST>", "</BANKTRANLIST><STMTTRN><FITID>9</STMTTRN>"), (
        "STMTTRN stands where none belongs",
    )),
    Case("an-entry-in-an-entry", _spoilt("<MEMO>", "<STMTTRN><FITID>9</STMTTRN><MEMO>"), ("STMTTRN stands",)),
    Case("a-second-list", _spoilt("</BANKTRANLIST>", "</BANKTRANLIST><BANKTRANLIST><DTSTART>20260303</BANKTRANLIST>"), (
        "has a second list of entries",
    )),
    Case("no-balance", document(Statement(entries=[WIRE], balance=None)), posted=GOOD_POSTED),
    Case("two-accounts", document(Statement("A", entries=[WIRE]), Statement("B", entries=[WIRE])), (
        ), GOOD_POSTED * 2),
    Case("a-card", document(Statement("X9910", entries=[entry("-5.00", "POS")], card=True)), posted=()),
]  # fmt: skip
ENTRIES: Final = [
    Case("no-amount", _spoilt("<TRNAMT>500.00", ""), ("STMTTRN lacks TRNAMT",)),
    Case("empty-amount", _spoilt("<TRNAMT>500.00", "<TRNAMT>"), ("STMTTRN lacks TRNAMT",)),
    Case("garbled-amount", _of(entry("12..34")), ("TRNAMT is '12..34', which is not an amount",)),
    Case("exponent", _of(entry("1e5")), ("TRNAMT is '1e5', which is not an amount",)),
    Case("underscore", _of(entry("1_000")), ("TRNAMT is '1_000', which is not an amount",)),
    Case("not-a-number", _of(entry("NaN")), ("TRNAMT is 'NaN', which is not an amount",)),
    Case("thousands-or-one", _of(entry("2,000")), ("TRNAMT is '2,000', which is not an amount",)),
    Case("both-separators", _of(entry("1.234,56")), ("TRNAMT is '1.234,56', which is not an amount",)),
    Case("other-digits", _of(entry("٥٠٠"), manner=UTF8), ("which is not an amount",)),
    Case("a-minus-of-typography", _of(entry("−500.00"), manner=UTF8), ("which is not an amount",)),
    Case("a-point-alone", _of(entry(".")), ("TRNAMT is '.', which is not an amount",)),
    Case("a-half-cent", _of(entry("1.005")), ("1.005 has more than the 2 decimals of USD; nothing is rounded",)),
    Case("yen-with-sen", _of(entry("100.50"), currency="JPY"), ("100.50 has more than the 0 decimals of JPY",)),
    Case("sixteen-digits", _of(entry("1234567890123456")), ("which is not an amount",)),
    Case("zeros-to-spare", _of(entry("100.50000")), posted=("credit T-1 100.50 USD",)),
    Case("comma-decimals", _of(entry("100,5"), currency="EUR"), posted=("credit T-1 100.50 EUR",)),
    Case("nothing-before-the-point", _of(entry(".05")), posted=("credit T-1 0.05 USD",)),
    Case("zero", _of(entry("0.00")), posted=()),
    Case("no-day", _of(entry(DTPOSTED="")), ("the entry lacks DTPOSTED",)),
    Case("day-of-six-digits", _of(entry(DTPOSTED="010326")), ("DTPOSTED is '010326', which is not a date",)),
    Case("day-of-zeros", _of(entry(DTPOSTED="00000000")), ("'00000000' is not a date",)),
    Case("30-february", _of(entry(DTPOSTED="20260230")), ("'20260230' is not a date",)),
    Case("25-o-clock", _of(entry(DTPOSTED="20260302250000")), ("which is not a date",)),
    Case("a-zone-left-open", _of(entry(DTPOSTED="20260302120000[-5:EST")), ("which is not a date",)),
    Case("a-zone-of-a-half-hour", _of(entry(DTPOSTED="20260302120000.000[+5.30:IST]")), posted=GOOD_POSTED),
    Case("no-type", _of(entry("1.00", "")), ("STMTTRN lacks TRNTYPE",)),
    Case("unknown-type", _of(entry("1.00", "WIRE")), ("'WIRE' is no TRNTYPE that OFX lists",)),
    Case("debit-without-minus", _of(entry("1.00", "DEBIT")), ("TRNTYPE is DEBIT, but TRNAMT has no minus",)),
    Case("two-amounts", _spoilt("<FITID>", "<TRNAMT>600.00\n<FITID>"), ("TRNAMT stands more than once",)),
    Case("two-fitids", _spoilt("<FITID>", "<FITID>T-9\n<FITID>"), ("FITID stands more than once",)),
    Case("no-fitid", _of(entry("1.00", "CREDIT", "")), posted=("credit fp-1 1.00 USD",)),
    Case("two-without-fitid", _of(*[entry("1.00", "CREDIT", "")] * 2), posted=(
        "credit fp-1 1.00 USD", "credit fp-2 1.00 USD")),
    Case("a-very-long-fitid", _of(entry("1.00", "CREDIT", "F" * 141)), ("FITID is longer than the 140 characters",)),
    Case("fitid-again-the-same", _of(WIRE, WIRE), posted=GOOD_POSTED, says=("once more, with the same FITID",)),
    Case("fitid-again-for-other-money", _of(WIRE, entry("7.00")), posted=(*GOOD_POSTED, "credit T-1#2 7.00 USD")),
    Case("other-currency-unknown", _of(Entry(WIRE.elements, "<CURRENCY><CURRATE>1<CURSYM>BTC</CURRENCY>")), (
        "BTC is no currency that ISO 4217 lists",
    )),
    Case("other-currency-without-name", _of(Entry(WIRE.elements, "<CURRENCY><CURRATE>1</CURRENCY>")), (
        "CURRENCY lacks CURSYM",
    )),
]  # fmt: skip
MEANINGS: Final = [
    Case("pending", document(Statement(pending=[Entry({
        "TRNTYPE": "CREDIT", "DTTRAN": "20260303", "TRNAMT": "5.00", "NAME": "SOON"})])), posted=()),
    Case("pending-without-day", document(Statement(pending=[Entry({"TRNTYPE": "CREDIT", "TRNAMT": "5.00"})])), (
        "the entry lacks DTTRAN",
    )),
    Case("set-aside", _of(entry("-5.00", "HOLD")), posted=()),
    Case("replaced", _of(entry(CORRECTFITID="T-0", CORRECTACTION="REPLACE")), says=("the bank replaces its entry T",)),
    Case("deleted", _of(entry(CORRECTFITID="T-0", CORRECTACTION="DELETE")), says=("the bank deletes its entry T-0",)),
    Case("corrected-in-the-same-file", _of(WIRE, entry("5.00", "CREDIT", "T-2", CORRECTFITID="T-1",
        CORRECTACTION="REPLACE")), says=("a later entry of the file corrects this one", "replaces its entry T-1")),
    Case("corrected-nobody-knows-how", _of(entry(CORRECTFITID="T-0")), ("nothing is no CORRECTACTION",)),
    Case("returned-by-fitid", _of(WIRE, entry("-500.00", "DEBIT", MEMO="RETURNED")), posted=(
        *GOOD_POSTED, "reversal T-1/r 500.00 USD of T-1")),
    Case("returned-by-refnum", _of(entry(REFNUM="R-7"), entry("-500.00", "OTHER", "T-2", REFNUM="R-7", NAME="NSF")),
         posted=(*GOOD_POSTED, "reversal T-2 500.00 USD of T-1")),
    Case("returned-by-its-type", _of(WIRE, entry("-500.00")), posted=(
        *GOOD_POSTED, "reversal T-1/r 500.00 USD of T-1")),
    Case("returned-in-part", _of(WIRE, entry("-100.00", "DEBIT", MEMO="RETURNED")), posted=GOOD_POSTED, says=(
        "the bank calls this debit a return",)),
    Case("returned-before-it-came", _of(entry("-500.00", "DEBIT", MEMO="RETURNED", DTPOSTED="20260301"), WIRE),
         posted=GOOD_POSTED, says=("the bank calls this debit a return",)),
    Case("returned-without-reference", _of(WIRE, entry("-500.00", "DEBIT", "T-2", MEMO="RETURNED")), posted=GOOD_POSTED,
         says=("the bank calls this debit a return",)),
    Case("returned-one-of-two", _of(entry(REFNUM="R-7"), entry("500.00", "CREDIT", "T-2", REFNUM="R-7"),
        entry("-500.00", "DEBIT", "T-3", REFNUM="R-7", MEMO="REVERSAL")),
        posted=(*GOOD_POSTED, "credit T-2 500.00 USD"), says=("the bank calls this debit a return",)),
    Case("returned-at-another-account", document(Statement("A", entries=[WIRE]), Statement("B", entries=[
        entry("-500.00", "DEBIT", MEMO="RETURNED")])), posted=GOOD_POSTED, says=("the bank calls this debit",)),
    Case("a-debit-with-the-same-number", _of(WIRE, entry("-500.00", "DEBIT", MEMO="RENT")), posted=GOOD_POSTED),
    Case("a-fee-for-a-return", _of(WIRE, entry("-500.00", "FEE", MEMO="RETURNED ITEM FEE")), posted=GOOD_POSTED),
    Case("own-payment-back", _of(entry("-80.00", "DEBIT", "T-1", REFNUM="R-8"), entry("80.00", "CREDIT", "T-2",
        REFNUM="R-8", MEMO="REJECTED")), posted=()),
    Case("perhaps-own-payment-back", _of(entry(MEMO="RETURN OF WIRE")), posted=GOOD_POSTED, says=(
        "the bank calls this credit a return",)),
    Case("a-fee-given-back", _of(entry("5.00", "SRVCHG")), posted=()),
]  # fmt: skip

CASES: Final = [*HEADERS, *ATTACKS, *TAGS, *STATEMENTS, *ENTRIES, *MEANINGS]
