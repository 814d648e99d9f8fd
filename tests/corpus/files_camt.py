"""Category J: camt files, each a good one with one thing spoilt, and the verdict that it must come to.

A verdict is what is said at a desk, with its line; or what is posted, where a file only looks bad. The good file is one
account with nothing in the morning, one wire, a batch of two, and their sum in the evening.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

WIRE: Final = b"""\
<Ntry><Amt Ccy="USD">400000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt><AcctSvcrRef>B-1</AcctSvcrRef>
<BkTxCd><Prtry><Cd>WIRE</Cd></Prtry></BkTxCd><AddtlNtryInf>capital call</AddtlNtryInf></Ntry>
"""
BATCH: Final = b"""\
<Ntry><Amt Ccy="USD">30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-03-02</Dt></BookgDt><AcctSvcrRef>B-2</AcctSvcrRef><BkTxCd><Prtry><Cd>ACH</Cd></Prtry></BkTxCd><NtryDtls>
<TxDtls><Amt Ccy="USD">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>
<TxDtls><Amt Ccy="USD">20.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls></NtryDtls></Ntry>
"""
HEAD: Final = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-03-02T18:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S-1</Id><CreDtTm>2026-03-02T18:00:00Z</CreDtTm>
<Acct><Id><Othr><Id>4000123456</Id></Othr></Id><Ccy>USD</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">400030.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>
"""  # noqa: E501 - a balance is one line, as banks write it
TAIL: Final = b"</Stmt></BkToCstmrStmt></Document>\n"
GOOD: Final = HEAD + WIRE + BATCH + TAIL  # the wire begins on line 8, the batch on line 11


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file posts, as ``B-1 credit 400000.00 USD``, and what is said about its statements."""

    posted: tuple[str, ...]
    said: tuple[str, ...] = ()


Verdict: TypeAlias = str | Taken
Case: TypeAlias = tuple[str, bytes, Verdict]

PARTS: Final = ("B-2/1 credit 10.00 USD", "B-2/2 credit 20.00 USD")
KEPT_BACK: Final = (
    "entries that keep their details back, or refer to another message for them: 1, the first on line 11; "
    "where that is sent in too, the same money shows twice"
)
ALL: Final = Taken(("B-1 credit 400000.00 USD", *PARTS))
MALFORMED: Final = "this is not well-formed XML: "


def but(old: bytes, new: bytes, good: bytes = GOOD) -> bytes:
    """The good file with one thing replaced, where it first stands; which must be there."""
    if old not in good:
        raise ValueError(old)
    return good.replace(old, new, 1)


def amount(new: bytes) -> bytes:
    """The good file with another text for the wire's amount."""
    return but(b"400000.00</Amt>", new + b"</Amt>")


def off(reached: str, closing: str = "400030.00") -> str:
    """What is said where entries and balances do not meet."""
    return f"opening balance and booked entries come to {reached} USD, but the closing balance is {closing}"


def before_root(declaration: bytes) -> bytes:
    return but(b"<Document", declaration + b"<Document")


def wire(*changes: tuple[bytes, bytes]) -> bytes:
    """The good file with several changes in the wire."""
    changed = WIRE
    for old, new in changes:
        changed = but(old, new, changed)
    return HEAD + changed + BATCH + TAIL


DOCTYPE: Final = "line 2: a DOCTYPE is never taken"
ATTACKS: Final[list[Case]] = [
    ("doctype", before_root(b"<!DOCTYPE Document>\n"), DOCTYPE),
    ("entity", before_root(b'<!DOCTYPE Document [<!ENTITY a "9">]>\n').replace(b">400000.00<", b">&a;<"), DOCTYPE),
    ("entity-of-a-file", before_root(b'<!DOCTYPE Document [<!ENTITY a SYSTEM "file:///etc/hostname">]>\n'), DOCTYPE),
    ("parameter-entity", before_root(b'<!DOCTYPE D [<!ENTITY % a SYSTEM "http://127.0.0.1:9/a"> %a;]>\n'), DOCTYPE),
    ("doctype-elsewhere", before_root(b'<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/a.dtd">\n'), DOCTYPE),
    (
        "billion-laughs",
        before_root(b'<!DOCTYPE D [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>\n'),
        DOCTYPE,
    ),
    ("entity-of-nowhere", amount(b"&amount;"), f"line 8: {MALFORMED}undefined entity"),
    (
        "xinclude",
        but(b"<AddtlNtryInf>", b'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="x"/><AddtlNtryInf>'),
        "line 10: Ntry is not as the schema wants it: there is no include in it",
    ),
    (
        "depth",
        but(b"</Stmt>", b"<SplmtryData><Envlp>" + b"<a>" * 60 + b"</a>" * 60 + b"</Envlp></SplmtryData></Stmt>"),
        "line 15: elements are nested more than 48 deep",
    ),
    ("huge-text", but(b"capital call", b"x" * 20_000), "line 10: a text is longer than 16384 characters"),
    ("huge-tag", but(b"<Stmt>", b'<Stmt a="' + b"x" * 1_200_000 + b'">'), "line 4: a tag or a comment is longer"),
    ("huge-comment", but(b"<Stmt>", b"<!--" + b"x" * 1_200_000 + b"--><Stmt>"), "line 4: a tag or a comment is longer"),
    (
        "names-without-end",
        but(b"<Document", b"<e>" + b"".join(b"<n%d/>" % n for n in range(10_100)) + b"<Document") + b"</e>",
        "line 2: the file has names of elements that are too long, or too many different ones",
    ),
    (
        "more-than-can-be-kept",
        but(b"</Stmt>", b"<SplmtryData><Envlp>" + b"<a/>" * 130_000 + b"</Envlp></SplmtryData></Stmt>"),
        "line 15: one part of the file holds too much",
    ),
    ("money-in-a-supplement", but(b"</Stmt>", b"</Stmt><SplmtryData><Envlp>" + WIRE + b"</Envlp></SplmtryData>"), ALL),
    (
        "entry-of-another-namespace",
        but(b"<Ntry>", b'<x:Ntry xmlns:x="urn:x"/><Ntry>'),
        "line 8: Stmt is not as the schema wants it: there is no Ntry in it",
    ),
]

SHAPES: Final[list[Case]] = [
    ("cut-in-an-entry", GOOD[: GOOD.index(b"B-1")], f"line 9: {MALFORMED}"),
    ("cut-between-entries", GOOD[: GOOD.index(BATCH)], f"line 11: {MALFORMED}no element found"),
    ("words-behind-the-end", GOOD + b"-- end --\n", f"line 16: {MALFORMED}"),
    ("two-files-in-one", GOOD + GOOD[GOOD.index(b"<Document") :], f"line 16: {MALFORMED}junk after document element"),
    ("NUL-in-a-text", but(b"capital call", b"capital\x00call"), f"line 10: {MALFORMED}"),
    ("NUL-as-a-number", but(b"capital call", b"capital&#0;call"), f"line 10: {MALFORMED}"),
    ("NUL-at-the-end", GOOD + b"\x00" * 512, f"line 16: {MALFORMED}"),
    ("blank-line-above", b"\n" + GOOD, f"line 2: {MALFORMED}XML or text declaration not at start of entity"),
    ("other-namespace", but(b"urn:iso:std:iso", b"urn:any"), "line 2: the namespace of Document is urn:any:20022"),
    ("no-namespace", but(b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', b""), "line 2: the namespace of"),
    ("version-13", but(b"053.001.08", b"053.001.13"), "line 2: this is camt.053.001.13; only camt.052, camt.053 and"),
    ("order-to-pay", but(b"camt.053.001.08", b"pain.001.001.09"), "line 2: this is pain.001.001.09, an order to pay;"),
    ("investigation", but(b"camt.053.001.08", b"camt.029.001.09"), "line 2: this is camt.029.001.09, the answer to a"),
    ("body-of-a-sibling", but(b"camt.053", b"camt.052"), "line 2: Document is not as the schema wants it: there is no"),
    ("no-statement", HEAD[: HEAD.index(b"<Stmt>")] + TAIL[7:], "line 2: the file has no statement (Stmt) at all"),
    ("web-page", b"<!doctype html><html><body>Please log in</body></html>", f"line 1: {MALFORMED}"),
    ("web-page-of-xml", b"<html><body>Please log in</body></html>", "line 1: there is no Document element in this XML"),
    ("two-documents", b"<e>" + (GOOD + GOOD).replace(HEAD[:39], b"") + b"</e>", "line 15: the file has a second Doc"),
    ("other-form-of-status", but(b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>"), "line 8: Sts is not as the schema"),
    ("no-status", but(b"<Sts><Cd>BOOK</Cd></Sts>", b""), "line 8: Ntry is not as the schema wants it: it lacks Sts"),
    ("no-mark", but(b"</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"</Amt><Sts>"), "line 8: Ntry is not as the schema"),
    ("both-marks", wire((b"CRDT", b"CRDT</CdtDbtInd><CdtDbtInd>DBIT")), "line 8: Ntry is not as the schema wants"),
    ("mark-of-no-kind", wire((b"CRDT", b"CREDIT")), "line 8: CdtDbtInd is not as the schema wants it: 'CREDIT' is no"),
    ("two-amounts", amount(b'1.00</Amt><Amt Ccy="USD">2.00'), "line 8: Ntry is not as the schema wants it: it has a"),
    ("no-account", but(b"<Id><Othr><Id>4000123456</Id></Othr></Id>", b"<Id/>"), "line 4: the statement names no"),
    ("words-between", but(b"</BookgDt>", b"</BookgDt>paid"), "line 10: Ntry has text between its elements"),
    ("element-of-nobody", but(b"</BookgDt>", b"</BookgDt><Paid/>"), "line 9: Ntry is not as the schema wants it"),
]  # fmt: skip

ENCODINGS: Final[list[Case]] = [
    ("byte-order-mark", b"\xef\xbb\xbf" + GOOD, ALL),
    ("utf-16", but(b"UTF-8", b"UTF-16").decode().encode("utf-16"), ALL),
    ("utf-16-without-mark", but(b"UTF-8", b"UTF-16").decode().encode("utf-16-be"), ALL),
    ("utf-16-that-says-utf-8", GOOD.decode().encode("utf-16-le"), f"line 1: {MALFORMED}encoding specified in XML dec"),
    ("utf-32", but(b"UTF-8", b"UTF-32").decode().encode("utf-32"), "line 1: this is no bank statement that is known"),
    ("latin-1-as-it-says", but(b"UTF-8", b"ISO-8859-1").replace(b"capital", b"\xfcber"), ALL),
    ("latin-1-that-says-utf-8", but(b"capital", b"\xfcber"), f"line 10: {MALFORMED}not well-formed (invalid token)"),
    ("windows-1252-as-it-says", but(b"UTF-8", b"windows-1252").replace(b"capital", b"\x80"), ALL),
    ("klingon", but(b"UTF-8", b"klingon"), "line 1: the encoding that the file declares is not known"),
    ("utf-7", but(b"UTF-8", b"UTF-7"), "line 1: the encoding that the file declares is not known"),
    ("carriage-returns", GOOD.replace(b"\n", b"\r\n"), ALL),
    ("one-line", GOOD.replace(b"\n", b" "), ALL),
]

AMOUNTS: Final[list[Case]] = [
    ("comment-in-an-amount", amount(b"4<!-- x -->00000.00"), "line 8: Amt has a comment or an instruction inside its"),
    ("instruction-in-an-amount", amount(b"4<?x y?>00000.00"), "line 8: Amt has a comment or an instruction inside its"),
    ("comment-before-an-amount", amount(b"<!-- dollars -->400000.00"), ALL),
    ("character-data", amount(b"<![CDATA[400000.00]]>"), ALL),
    ("digits-by-number", amount(b"&#52;00000.00"), ALL),
    ("blanks-around", amount(b"\n 400000.00 "), ALL),
    ("zeros-to-the-left", amount(b"00400000.00"), ALL),
    ("five-decimals-of-zero", amount(b"400000.00000"), ALL),
    ("decimals-left-out", amount(b"400000"), ALL),
    ("third-decimal", amount(b"400000.001"), "line 8: 400000.001 has more than the 2 decimals of USD; nothing is"),
    ("negative", amount(b"-400000.00"), "line 8: '-400000.00' is not an amount"),
    ("with-a-plus", amount(b"+400000.00"), "line 8: '+400000.00' is not an amount"),
    ("exponent", amount(b"4e5"), "line 8: Amt is not as the schema wants it: '4e5' is no value for it"),
    ("comma", amount(b"400.000,00"), "line 8: Amt is not as the schema wants it: '400.000,00' is no value for it"),
    ("underscore", amount(b"400_000.00"), "line 8: Amt is not as the schema wants it: '400_000.00' is no value"),
    ("two-points", amount(b"400..00"), "line 8: Amt is not as the schema wants it: '400..00' is no value for it"),
    ("point-at-the-end", amount(b"400."), "line 8: '400.' is not an amount"),
    ("point-at-the-start", amount(b".50"), "line 8: '.50' is not an amount"),
    ("not-a-number", amount(b"NaN"), "line 8: Amt is not as the schema wants it: 'NaN' is no value for it"),
    ("arabic-digits", amount("٤٠٠".encode()), "line 8: Amt is not as the schema wants it"),
    ("wide-digits", amount("４００".encode()), "line 8: Amt is not as the schema wants it"),
    ("nineteen-digits", amount(b"1234567890123456789.00"), "line 8: '1234567890123456789.00' is not an amount of USD"),
    ("fifteen-digits", amount(b"999999999999999.00"), Taken(
        ("B-1 credit 999999999999999.00 USD", *PARTS), (off("1000000000000029.00"),))),
    ("nothing", amount(b""), "line 8: Amt is not as the schema wants it: '' is no value for it"),
    ("zero", amount(b"0.00"), Taken(PARTS, (off("30.00"),))),
    ("unknown-currency", wire((b"USD", b"ZZZ")), "line 8: ZZZ is no currency that ISO 4217 lists"),
    ("currency-in-small-letters", wire((b"USD", b"usd")), "line 8: usd is no currency that ISO 4217 lists"),
    ("gold", wire((b"USD", b"XAU")), "line 8: XAU is no currency that ISO 4217 lists"),
    ("no-currency", wire((b' Ccy="USD"', b"")), "line 8: Amt is not as the schema wants it: it lacks Ccy"),
    ("yen-with-sen", wire((b"USD", b"JPY"), (b"0.00", b"0.50")), "line 8: 400000.50 has more than the 0 decimals of J"),
    ("yen-with-zeros", wire((b"USD", b"JPY")), Taken(
        ("B-1 credit 400000 JPY", *PARTS), ("it has entries in JPY, so its balances in USD prove nothing",))),
    ("batch-a-cent-short", but(b"20.00", b"19.99"), "line 11: the details sum to 29.99 USD, but the entry says 30.00"),
    ("batch-of-two-currencies", but(b'"USD">20.00', b'"EUR">20.00'), "line 14: a detail is in EUR and its entry in U"),
    ("batch-without-an-amount", but(b'<Amt Ccy="USD">20.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>', b""), "line 14: "),
    ("batch-of-both-marks", but(b"20.00</Amt><CdtDbtInd>CRDT", b"20.00</Amt><CdtDbtInd>DBIT"), "line 11: the detail"),
    ("bad-detail", but(b"20.00", b"20.001"), "line 14: 20.001 has more than the 2 decimals of USD"),
]  # fmt: skip

RTRINF: Final = b"<NtryDtls><TxDtls><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls><AddtlNtryInf>"
ORIGINAL: Final = b"<NtryDtls><TxDtls><Refs><EndToEndId>E-9</EndToEndId></Refs></TxDtls></NtryDtls><AddtlNtryInf>"
BOOKINGS: Final[list[Case]] = [
    ("pending", wire((b"BOOK", b"PDNG")), Taken(PARTS, (off("30.00"),))),
    ("informative", wire((b"BOOK", b"INFO")), Taken(PARTS, (off("30.00"),))),
    ("status-of-the-bank", wire((b"<Cd>BOOK</Cd>", b"<Prtry>BOOK-2</Prtry>")), Taken(PARTS, (off("30.00"),))),
    ("status-in-small-letters", wire((b"BOOK", b"book")), Taken(PARTS, (off("30.00"),))),
    ("our-payment-came-back", wire((b"<Sts>", b"<RvslInd>true</RvslInd><Sts>")), Taken(PARTS)),
    ("our-payment-was-returned", wire((b"<AddtlNtryInf>", RTRINF)), Taken(PARTS)),
    ("not-reversed", wire((b"<Sts>", b"<RvslInd>false</RvslInd><Sts>")), ALL),
    ("flag-of-words", wire((b"<Sts>", b"<RvslInd>yes</RvslInd><Sts>")), "line 8: RvslInd is not as the schema"),
    ("debit", wire((b"CRDT", b"DBIT")), Taken(PARTS, (off("-399970.00"),))),
    ("reversal-of-nothing-named", wire((b"CRDT", b"DBIT"), (b"<Sts>", b"<RvslInd>true</RvslInd><Sts>")),
     Taken(PARTS, (off("-399970.00"),))),
    ("reversal-of-something-named",
     wire((b"CRDT", b"DBIT"), (b"<Sts>", b"<RvslInd>1</RvslInd><Sts>"), (b"<AddtlNtryInf>", ORIGINAL)),
     Taken(("B-1 reversal 400000.00 USD of E-9", *PARTS), (off("-399970.00"),))),
    ("february-30", wire((b"2026-03-03", b"2026-02-30")), "line 9: Dt is not as the schema wants it: '2026-02-30' is"),
    ("day-first", wire((b"2026-03-03", b"03.03.2026")), "line 9: Dt is not as the schema wants it: '03.03.2026' is no"),
    ("year-of-five-digits", wire((b"2026-03-03", b"12026-03-03")), "line 9: '12026-03-03' is not a date, such as"),
    ("no-day", wire((b"<BookgDt><Dt>2026-03-02</Dt></BookgDt>", b""), (b"<ValDt><Dt>2026-03-03</Dt></ValDt>", b"")),
     "line 8: the entry has neither a value date nor a booking date"),
    ("one-day-of-two", wire((b"<ValDt><Dt>2026-03-03</Dt></ValDt>", b"")), ALL),
    ("same-reference-twice", but(b">B-2<", b">B-1<"), Taken(
        ("B-1 credit 400000.00 USD", "B-1/1 credit 10.00 USD", "B-1/2 credit 20.00 USD"))),
    ("same-entry-twice", HEAD + WIRE + WIRE + TAIL, Taken(
        ("B-1 credit 400000.00 USD", "B-1#2 credit 400000.00 USD"), (off("800000.00"),))),
    ("no-reference", wire((b">B-1<", b">NONREF<")), Taken(("fp-1 credit 400000.00 USD", *PARTS))),
    ("reference-of-zeros", wire((b">B-1<", b">0000 0000<")), Taken(("fp-1 credit 400000.00 USD", *PARTS))),
    ("reference-of-200-letters", wire((b">B-1<", b">" + b"B" * 200 + b"<")), "line 9: AcctSvcrRef is longer than the"),
    ("statement-twice", but(b"<Stmt>", GOOD[GOOD.index(b"<Stmt>") : GOOD.index(b"</BkTo")] + b"<Stmt>"),
     Taken((*ALL.posted, *ALL.posted),
           ("it is in the file once more: what it shows again keeps its identity, and is posted once",))),
    ("batch-without-details", but(BATCH[BATCH.index(b"<TxDtls>") : BATCH.index(b"</NtryDtls>")],
                                  b"<Btch><NbOfTxs>2</NbOfTxs></Btch>"),
     Taken(("B-1 credit 400000.00 USD", "B-2 credit 30.00 USD"),
           (KEPT_BACK,))),
    ("proof-a-cent-off", but(b"400030.00", b"400030.01"), Taken(ALL.posted, (off("400030.00", "400030.01"),))),
]  # fmt: skip

CASES: Final = (*ATTACKS, *SHAPES, *ENCODINGS, *AMOUNTS, *BOOKINGS)
