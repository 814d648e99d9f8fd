"""camt.053 documents of our own making, put together from short pieces, so that a test shows what it is about."""

from typing import Final

URN: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."
ACCOUNT: Final = "<Acct><Id><Othr><Id>4000123456</Id></Othr></Id><Ccy>USD</Ccy></Acct>"
OLD_ACCOUNT: Final = "<Acct><Id><PrtryAcct><Id>4000123456</Id></PrtryAcct></Id><Ccy>USD</Ccy></Acct>"
OPENING_ZERO: Final = (
    '<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>2026-03-02</Dt></Dt></Bal>"
)
CODE: Final = "<BkTxCd><Prtry><Cd>TRIAL</Cd></Prtry></BkTxCd>"
DAYS: Final = "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>"


def document(*statements: str, version: str = "08", before: str = "", wrap: tuple[str, str] = ("", "")) -> bytes:
    """A document of whole statements; `before` stands before its root, `wrap` around it."""
    root = "BkToCstmrStmtV01" if version == "01" else "BkToCstmrStmt"
    header = "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-02T18:00:00Z</CreDtTm></GrpHdr>"
    body = f'<Document xmlns="{URN}{version}"><{root}>{header}{"".join(statements)}</{root}></Document>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{before}{wrap[0]}{body}{wrap[1]}\n'.encode()


def statement(*entries: str, id: str = "S1", account: str = ACCOUNT, balances: str = "", head: str = "") -> str:
    created = "<CreDtTm>2026-03-02T18:00:00Z</CreDtTm>"
    return f"<Stmt><Id>{id}</Id>{head}{created}{account}{balances}{''.join(entries)}</Stmt>"


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
