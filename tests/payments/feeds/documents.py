"""camt documents of our own making, put together from short pieces, so that a test shows what it is about."""

from typing import Final

MESSAGES: Final = "urn:iso:std:iso:20022:tech:xsd:camt."
URN: Final = f"{MESSAGES}053.001."
VERSIONS: Final = tuple(f"{number:02}" for number in range(1, 13))
BODY: Final = {"052": "BkToCstmrAcctRpt", "053": "BkToCstmrStmt", "054": "BkToCstmrDbtCdtNtfctn"}
STATEMENT: Final = {"052": "Rpt", "053": "Stmt", "054": "Ntfctn"}
ACCOUNT: Final = "<Acct><Id><Othr><Id>4000123456</Id></Othr></Id><Ccy>USD</Ccy></Acct>"
OLD_ACCOUNT: Final = "<Acct><Id><PrtryAcct><Id>4000123456</Id></PrtryAcct></Id><Ccy>USD</Ccy></Acct>"
OPENING_ZERO: Final = (
    '<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>2026-03-02</Dt></Dt></Bal>"
)
CODE: Final = "<BkTxCd><Prtry><Cd>TRIAL</Cd></Prtry></BkTxCd>"
DAYS: Final = "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>"


def document(
    *statements: str, kind: str = "053", version: str = "08", before: str = "", wrap: tuple[str, str] = ("", "")
) -> bytes:
    """A document of whole statements; `before` stands before its root, `wrap` around it."""
    root = BODY[kind] + ("V01" if version == "01" else "")
    header = "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-02T18:00:00Z</CreDtTm></GrpHdr>"
    namespace = f"{MESSAGES}{kind}.001.{version}"
    body = f'<Document xmlns="{namespace}"><{root}>{header}{"".join(statements)}</{root}></Document>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{before}{wrap[0]}{body}{wrap[1]}\n'.encode()


def statement(
    *entries: str, id: str = "S1", account: str = ACCOUNT, balances: str = "", head: str = "", kind: str = "053"
) -> str:
    created, name = "<CreDtTm>2026-03-02T18:00:00Z</CreDtTm>", STATEMENT[kind]
    return f"<{name}><Id>{id}</Id>{head}{created}{account}{balances}{''.join(entries)}</{name}>"


def balance(code: str, amount: str, mark: str = "CRDT", currency: str = "USD") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
        f"<CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>"
    )


def booked(version: str, status: str = "BOOK") -> str:
    """The status as a version has it: plain text, or from .07 on a code."""
    return f"<Sts>{status}</Sts>" if version < "07" else f"<Sts><Cd>{status}</Cd></Sts>"


def entry(
    amount: str = "400000.00",
    *,
    mark: str = "CRDT",
    flag: str | None = None,
    status: str = "<Sts><Cd>BOOK</Cd></Sts>",
    days: str = DAYS,
    bank_reference: str | None = "B-1",
    details: str = "",
    currency: str = "USD",
    note: str = "",
    code: str = CODE,
) -> str:
    """One entry; `details` are whole `TxDtls`, `flag` the text of the reversal indicator."""
    return (
        f'\n<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>'
        f"{'' if flag is None else f'<RvslInd>{flag}</RvslInd>'}{status}{days}"
        f"{'' if bank_reference is None else f'<AcctSvcrRef>{bank_reference}</AcctSvcrRef>'}{code}"
        f"{f'<NtryDtls>{details}</NtryDtls>' if details else ''}"
        f"{f'<AddtlNtryInf>{note}</AddtlNtryInf>' if note else ''}</Ntry>"
    )


def detail(
    amount: str | None = None,
    *,
    refs: str = "",
    parties: str = "",
    remittance: str = "",
    returned: bool = False,
    currency: str = "USD",
    mark: str = "CRDT",
) -> str:
    """One `TxDtls`, as versions from .04 on have it."""
    stated = "" if amount is None else f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>'
    return (
        f"\n<TxDtls>{f'<Refs>{refs}</Refs>' if refs else ''}{stated}"
        f"{f'<RltdPties>{parties}</RltdPties>' if parties else ''}"
        f"{f'<RmtInf>{remittance}</RmtInf>' if remittance else ''}"
        f"{'<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>' if returned else ''}</TxDtls>"
    )
