"""Writes camt.053.001.08 bank statements: for the demo, for tests, and for anyone who wants to try the feed.

They are made by us, not by a bank. What is written here is valid by the schema, and reads back as it was written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from html import escape
from typing import Final, Literal

from shared import currency

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
MADE_BY_US: Final = "Made by the Drawdown project for trials; no bank issued this, and no account in it exists."


@dataclass(frozen=True, slots=True)
class Detail:
    """One payment of a batch booking."""

    amount: str
    bank_reference: str | None = None
    end_to_end_id: str | None = None
    reference: str | None = None
    remittance: str | None = None
    remitter: str | None = None
    remitter_account: str | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a statement. `amount` is decimal text above zero; `mark` says whether it came in or went out.

    `reference` is a structured creditor reference, `original` the bank's reference of the entry that a reversal takes
    back. With `details` the entry is a batch, whose details must sum to `amount`.
    """

    amount: str
    booked_on: date
    mark: Literal["CRDT", "DBIT"] = "CRDT"
    status: str = "BOOK"
    bank_reference: str | None = None
    end_to_end_id: str | None = None
    reference: str | None = None
    remittance: str | None = None
    remitter: str | None = None
    remitter_account: str | None = None
    value_date: date | None = None
    reversal: bool = False
    returned: bool = False
    original: str | None = None
    note: str | None = None
    details: Sequence[Detail] = field(default=())

    @property
    def one_detail(self) -> Detail:
        """The entry's own payment, where it is no batch."""
        return Detail(
            amount=self.amount,
            end_to_end_id=self.end_to_end_id,
            reference=self.reference,
            remittance=self.remittance,
            remitter=self.remitter,
            remitter_account=self.remitter_account,
            original=self.original,
        )


def camt053(
    statement_id: str, account: str, code: str, opening: str, entries: Sequence[Line], *, day: date | None = None
) -> bytes:
    """A statement document of one account in the currency `code`; its closing balance follows from its entries.

    `opening` is decimal text, with a minus where the account is overdrawn. `day` is the statement's day, by default
    that of its last entry.
    """
    day = day or max((line.booked_on for line in entries), default=date(2026, 1, 1))
    first_day = min((line.booked_on for line in entries), default=day)
    start = _signed(opening, code)
    end = start + sum(
        _signed(line.amount, code) * (1 if line.mark == "CRDT" else -1) for line in entries if line.status == "BOOK"
    )
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- {MADE_BY_US} -->",
        f'<Document xmlns="{NAMESPACE}">',
        "<BkToCstmrStmt>",
        f"<GrpHdr>{_tag('MsgId', statement_id)}{_tag('CreDtTm', f'{day}T18:00:00Z')}</GrpHdr>",
        "<Stmt>",
        _tag("Id", statement_id),
        _tag("CreDtTm", f"{day}T18:00:00Z"),
        f"<FrToDt>{_tag('FrDtTm', f'{first_day}T00:00:00Z')}{_tag('ToDtTm', f'{day}T23:59:59Z')}</FrToDt>",
        f"<Acct><Id>{_account_id(account)}</Id>{_tag('Ccy', code)}</Acct>",
        _balance("OPBD", start, code, first_day),
        _balance("CLBD", end, code, day),
        *(_entry(line, code) for line in entries),
        "</Stmt>",
        "</BkToCstmrStmt>",
        "</Document>",
        "",
    ]
    return "\n".join(parts).encode()


def _entry(line: Line, code: str) -> str:
    details = line.details or (line.one_detail,)
    parts = [
        _amount(line.amount, code),
        _tag("CdtDbtInd", line.mark),
        _tag("RvslInd", "true" if line.reversal else None),
        f"<Sts>{_tag('Cd', line.status)}</Sts>",
        f"<BookgDt>{_tag('Dt', str(line.booked_on))}</BookgDt>",
        f"<ValDt>{_tag('Dt', str(line.value_date or line.booked_on))}</ValDt>",
        _tag("AcctSvcrRef", line.bank_reference),
        "<BkTxCd><Prtry><Cd>TRIAL</Cd></Prtry></BkTxCd>",
        "<NtryDtls>",
        f"<Btch>{_tag('NbOfTxs', str(len(details)))}</Btch>" if line.details else "",
        *(_detail(detail, line, code) for detail in details),
        "</NtryDtls>",
        _tag("AddtlNtryInf", line.note),
    ]
    return "<Ntry>\n" + "\n".join(part for part in parts if part) + "\n</Ntry>"


def _detail(detail: Detail, line: Line, code: str) -> str:
    references = "".join(
        [
            _tag("AcctSvcrRef", detail.bank_reference),
            _tag("EndToEndId", detail.end_to_end_id),
            f"<Prtry>{_tag('Tp', 'OrgnlAcctSvcrRef')}{_tag('Ref', detail.original)}</Prtry>" if detail.original else "",
        ]
    )
    party = f"<Dbtr><Pty>{_tag('Nm', detail.remitter)}</Pty></Dbtr>" if detail.remitter else ""
    if detail.remitter_account:
        party += f"<DbtrAcct><Id>{_account_id(detail.remitter_account)}</Id></DbtrAcct>"
    text = _tag("Ustrd", detail.remittance)
    if detail.reference:
        text += f"<Strd><CdtrRefInf>{_tag('Ref', detail.reference)}</CdtrRefInf></Strd>"
    parts = [
        "<TxDtls>",
        f"<Refs>{references}</Refs>" if references else "",
        _amount(detail.amount, code),
        _tag("CdtDbtInd", line.mark),
        f"<RltdPties>{party}</RltdPties>" if party else "",
        f"<RmtInf>{text}</RmtInf>" if text else "",
        "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if line.returned else "",
        "</TxDtls>",
    ]
    return "\n".join(part for part in parts if part)


def _balance(kind: str, amount: int, code: str, day: date) -> str:
    mark = "CRDT" if amount >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry>{_tag('Cd', kind)}</CdOrPrtry></Tp>{_amount(currency.text(abs(amount), code), code)}"
        f"{_tag('CdtDbtInd', mark)}<Dt>{_tag('Dt', str(day))}</Dt></Bal>"
    )


def _account_id(account: str) -> str:
    is_iban = account[:2].isalpha() and account[2:4].isdigit() and account.isalnum() and len(account) >= 15
    return _tag("IBAN", account) if is_iban else f"<Othr>{_tag('Id', account)}</Othr>"


def _amount(text: str, code: str) -> str:
    return f'<Amt Ccy="{escape(code)}">{text}</Amt>'


def _tag(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text, quote=False)}</{name}>"


def _signed(text: str, code: str) -> int:
    return -currency.parse(text[1:], code) if text.startswith("-") else int(currency.parse(text, code))


# ---- the demo's statements

MERIDIAN_SOURCE: Final = "bank/meridian-usd-1"
MERIDIAN_ACCOUNT: Final = "4000123456"
MERIDIAN_OPENING: Final = "125000.00"


@dataclass(frozen=True, slots=True)
class MeridianCalls:
    """References of the calls that the demo's statements pay, as the ledger gave them out."""

    balerion_first: str  # 400,000.00
    balerion_second: str  # 600,000.00
    vhagar_second: str  # 1,250,000.00
    vhagar_third: str  # 1,250,000.00
    caraxes_first: str  # 250,000.00
    caraxes_second: str  # 250,000.00


def meridian_statements(calls: MeridianCalls, day: date) -> Mapping[str, bytes]:
    """Two statements by file name: the second covers both days, so it shows all of the first one's entries again.

    Applied in the end: 400,000.00 to Balerion, 1,250,000.00 to Vhagar, 250,000.00 to Caraxes: 1,900,000.00.
    Held: 50,000.00 that names no call and 300,000.00 that is more than its call.
    """
    next_day = date.fromordinal(day.toordinal() + 1)
    first = _meridian_first_day(calls, day)
    second = [_meridian_pending(calls, next_day), _meridian_reversal(next_day)]
    return {
        "meridian-1.xml": _meridian("MERIDIAN-1", [*first, _meridian_pending(calls, day)]),
        "meridian-2.xml": _meridian("MERIDIAN-2", [*first, *second]),
    }


def _meridian(statement_id: str, lines: Sequence[Line]) -> bytes:
    return camt053(statement_id, MERIDIAN_ACCOUNT, "USD", MERIDIAN_OPENING, lines)


def _meridian_first_day(calls: MeridianCalls, day: date) -> list[Line]:
    acme = Line("0.00", day, remitter="Acme Pension LP", remitter_account="US-ACME-778812")
    borea = Line("0.00", day, remitter="Borea Endowment", remitter_account="US-BOREA-100245")
    return [
        # Pays its call exactly, by the structured reference.
        replace(acme, amount="400000.00", bank_reference="MGF-0001", reference=calls.balerion_first),
        # One call in two wires; the reference stands in the free text.
        replace(
            acme,
            amount="750000.00",
            bank_reference="MGF-0002",
            remittance=f"Vhagar tranche 2, part 1 of 2, {calls.vhagar_second}",
        ),
        replace(
            borea,
            amount="500000.00",
            bank_reference="MGF-0003",
            remittance=f"Vhagar tranche 2, part 2 of 2, {calls.vhagar_second}",
        ),
        # Two equal wires of one day are two payments: the bank's references tell them apart.
        replace(borea, amount="125000.00", bank_reference="MGF-0004", reference=calls.caraxes_first),
        replace(borea, amount="125000.00", bank_reference="MGF-0005", reference=calls.caraxes_first),
        # Money that the bank takes back on the next day.
        replace(
            acme,
            amount="1250000.00",
            bank_reference="MGF-0006",
            end_to_end_id="ACME-E2E-31",
            reference=calls.vhagar_third,
        ),
        # Names no call: held for a person.
        replace(borea, amount="50000.00", bank_reference="MGF-0007", remittance="capital call, thank you"),
        # More than its call: held whole.
        replace(acme, amount="300000.00", bank_reference="MGF-0008", reference=calls.caraxes_second),
        # The bank's own fee: not ours to post.
        Line("35.00", day, mark="DBIT", bank_reference="MGF-0009", note="WIRE FEES"),
    ]


def _meridian_pending(calls: MeridianCalls, day: date) -> Line:
    return Line(
        "600000.00",
        day,
        status="PDNG",
        bank_reference="MGF-0010",
        reference=calls.balerion_second,
        remitter="Acme Pension LP",
    )


def _meridian_reversal(day: date) -> Line:
    return Line(
        "1250000.00",
        day,
        mark="DBIT",
        reversal=True,
        bank_reference="MGF-0011",
        end_to_end_id="ACME-E2E-31",
        remitter="Acme Pension LP",
        note="REVERSAL OF MGF-0006, SENT IN ERROR",
    )
