"""Writes camt.052, camt.053 and camt.054 in any version, each thing where that version keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Final

from shared import currency
from tests.payments.feeds.documents import BODY, MESSAGES, STATEMENT

CREATED: Final = "<CreDtTm>2026-03-02T18:00:00Z</CreDtTm>"


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, which is an entry's only one or a detail of a batch."""

    minor: int
    bank_reference: str | None = None
    end_to_end_id: str | None = None
    uetr: str | None = None
    reference: str | None = None
    remittance: str | None = None
    remitter: str | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """One entry; its amount is the sum of its payments."""

    payments: Sequence[Payment]
    booked_on: date
    value_on: date
    mark: str = "CRDT"
    status: str = "BOOK"
    flag: bool = False
    bank_reference: str | None = None
    detailed: bool = True  # an entry of one payment may tell nothing of it

    @property
    def minor(self) -> int:
        return sum(payment.minor for payment in self.payments)


@dataclass(frozen=True, slots=True)
class Camt:
    """One message with one statement, in the currency `code`; `opening` is in minor units."""

    kind: str
    version: str
    account: str
    code: str
    opening: int
    bookings: Sequence[Booking]

    @property
    def states_balances(self) -> bool:
        return self.kind != "054"

    @property
    def knows_traces(self) -> bool:
        """Whether this version has a place for a UETR."""
        return self.version >= "08"

    def written(self, *, prefix: str = "", pretty: bool = False) -> bytes:
        """The document, with a prefix for its namespace or none, on one line or on several."""
        root = BODY[self.kind] + ("V01" if self.version == "01" else "")
        name = STATEMENT[self.kind]
        booked = [one for one in self.bookings if one.status == "BOOK"]
        closing = self.opening + sum(one.minor if one.mark == "CRDT" else -one.minor for one in booked)
        balances = self._balance("OPBD", self.opening) + self._balance("CLBD", closing)
        parts = [
            f"<{root}><GrpHdr><MsgId>M</MsgId>{CREATED}</GrpHdr><{name}><Id>S-1</Id>{CREATED}",
            f"<Acct><Id>{tag('IBAN', self.account)}</Id>{tag('Ccy', self.code)}</Acct>",
            balances if self.states_balances else "",
            *map(self._entry, self.bookings),
            f"</{name}></{root}>",
        ]
        body = ("\n  " if pretty else "").join(parts)
        if prefix:
            body = body.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
        before, declared = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
        namespace = f"{MESSAGES}{self.kind}.001.{self.version}"
        return f'<{before}Document {declared}="{namespace}">{body}</{before}Document>'.encode()

    def _amount(self, minor: int) -> str:
        return f'<Amt Ccy="{self.code}">{currency.text(minor, self.code)}</Amt>'

    def _balance(self, code: str, minor: int) -> str:
        kind = tag("Cd", code) if self.version == "01" else f"<CdOrPrtry>{tag('Cd', code)}</CdOrPrtry>"
        mark = "CRDT" if minor >= 0 else "DBIT"
        return (
            f"<Bal><Tp>{kind}</Tp>{self._amount(abs(minor))}{tag('CdtDbtInd', mark)}<Dt><Dt>2026-03-02</Dt></Dt></Bal>"
        )

    def _entry(self, booking: Booking) -> str:
        details = "".join(self._detail(one, booking.mark) for one in booking.payments) if booking.detailed else ""
        if details and self.version != "01":
            details = f"<NtryDtls>{details}</NtryDtls>"
        status = booking.status if self.version < "07" else tag("Cd", booking.status)
        return "".join(
            [
                f"<Ntry>{self._amount(booking.minor)}{tag('CdtDbtInd', booking.mark)}",
                tag("RvslInd", "true") if booking.flag else "",
                f"<Sts>{status}</Sts><BookgDt>{tag('Dt', str(booking.booked_on))}</BookgDt>",
                f"<ValDt>{tag('Dt', str(booking.value_on))}</ValDt>{tag('AcctSvcrRef', booking.bank_reference)}",
                f"<BkTxCd><Prtry><Cd>TRIAL</Cd></Prtry></BkTxCd>{details}</Ntry>",
            ]
        )

    def _detail(self, payment: Payment, mark: str) -> str:
        references = tag("AcctSvcrRef", payment.bank_reference) + tag("EndToEndId", payment.end_to_end_id)
        references += tag("UETR", payment.uetr if self.knows_traces else None)
        if self.version < "03":
            amount = f"<AmtDtls><TxAmt>{self._amount(payment.minor)}</TxAmt></AmtDtls>"
        else:
            amount = self._amount(payment.minor) + tag("CdtDbtInd", mark)
        party = tag("Nm", payment.remitter)
        if party and self.version >= "07":
            party = f"<Pty>{party}</Pty>"
        text = tag("Ustrd", payment.remittance)
        if payment.reference:
            name = "CdtrRef" if self.version == "01" else "Ref"
            text += f"<Strd><CdtrRefInf>{tag(name, payment.reference)}</CdtrRefInf></Strd>"
        parties = f"<RltdPties><Dbtr>{party}</Dbtr></RltdPties>" if party else ""
        remittance = f"<RmtInf>{text}</RmtInf>" if text else ""
        return f"<TxDtls><Refs>{references}</Refs>{amount}{parties}{remittance}</TxDtls>"


def tag(name: str, text: str | None) -> str:
    """An element with a text; nothing where there is none."""
    return f"<{name}>{escape(text)}</{name}>" if text else ""
