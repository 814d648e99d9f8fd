"""Promises of large files: a statement is read from disk piece by piece, in memory that grows with what it says and not
with how it says it.

Each file is read in a process of its own, whose whole peak counts. To see a larger one:
``python -m tests.payments.feeds.test_camt_large FOLDER 100``.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import pytest

from services.payments.feeds import BankFile, Kind, read
from shared import currency, reference

MIB: Final = 1024 * 1024
FIXED_MIB: Final = 44  # Python, the libraries, and one version's schema
FOR_TEN_MIB: Final = {"entries": 15, "taken back": 16, "one batch": 25}  # of file; a batch has no entries to fill it


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file that is read from disk, as often as one likes."""

    path: Path

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while chunk := file.read(64 * 1024):
                yield chunk


HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>LARGE</MsgId><CreDtTm>2026-03-02T18:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>LARGE</Id><CreDtTm>2026-03-02T18:00:00Z</CreDtTm>
<Acct><Id><IBAN>DE91100900000123456700</IBAN></Id><Ccy>EUR</Ccy></Acct>
"""
BALANCE: Final = (
    '<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
    "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>\n"
)
OPEN: Final = """<Ntry>
 <NtryRef>{n}</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{flag}<Sts><Cd>BOOK</Cd></Sts>
 <BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt><AcctSvcrRef>BANK-2026-{n:08d}</AcctSvcrRef>
 <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
  <Prtry><Cd>NTRF+166</Cd><Issr>DK</Issr></Prtry></BkTxCd>
 <NtryDtls>"""
DETAIL: Final = """<TxDtls>
  <Refs><EndToEndId>E2E-{payment:010d}</EndToEndId><UETR>{payment:08x}-ca16-48ba-b074-65581be6f001</UETR></Refs>
  <Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>
  <RltdPties><Dbtr><Pty><Nm>Limited Partner {payment} Holdings LP</Nm>
    <PstlAdr><Ctry>DE</Ctry><AdrLine>Example Street 1</AdrLine><AdrLine>Example Town</AdrLine></PstlAdr></Pty></Dbtr>
   <DbtrAcct><Id><IBAN>DE{payment:020d}</IBAN></Id></DbtrAcct>
   <Cdtr><Pty><Nm>Example Fund II</Nm></Pty></Cdtr></RltdPties>
  <RltdAgts><DbtrAgt><FinInstnId><BICFI>XMPLDEFFXXX</BICFI></FinInstnId></DbtrAgt></RltdAgts>
  <RmtInf><Ustrd>Capital call {payment}, see our notice of February</Ustrd>
   <Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{rf}</Ref></CdtrRefInf></Strd></RmtInf>
 </TxDtls>"""
CLOSE: Final = """</NtryDtls>
 <AddtlNtryInf>SEPA CREDIT TRANSFER</AddtlNtryInf>
</Ntry>
"""


def write(path: Path, size_mib: int, shape: str) -> int:
    """Writes a file of about this size; answers how many payments it has. It adds up to the cent."""
    with path.open("w", encoding="ascii") as file:
        file.write(HEAD + BALANCE.format(code="OPBD", amount="0.00"))
        if shape == "one batch":
            count, sum_minor = one_batch(file, size_mib)
        else:
            count, sum_minor = one_by_one(file, size_mib, taken_back=shape == "taken back")
        file.write(BALANCE.format(code="CLBD", amount=currency.text(sum_minor, "EUR")))
        file.write("</Stmt></BkToCstmrStmt></Document>\n")
    return count


def one_by_one(file: TextIO, size_mib: int, *, taken_back: bool) -> tuple[int, int]:
    """Entries of one detail each; or pairs, of which the second takes the first back."""
    n = sum_minor = 0
    while file.tell() < size_mib * MIB:
        n += 1
        back = taken_back and n % 2 == 0
        payment = n - 1 if back else n
        minor = 100_000 + payment % 997
        sum_minor += -minor if back else minor
        values = {"amount": currency.text(minor, "EUR"), "mark": "DBIT" if back else "CRDT"}
        file.write(OPEN.format(**values, n=n, flag="<RvslInd>true</RvslInd>" if back else ""))
        file.write(DETAIL.format(**values, payment=payment, rf=reference.reference_of(payment)) + CLOSE)
    return n, sum_minor


def one_batch(file: TextIO, size_mib: int) -> tuple[int, int]:
    """One entry with a detail for each payment."""
    count = size_mib * MIB // (len(DETAIL) + 60)
    values = {"amount": "1000.01", "mark": "CRDT"}
    total = currency.text(count * 100_001, "EUR")
    file.write(OPEN.format(n=1, amount=total, mark="CRDT", flag=""))
    payments = range(1, count + 1)
    file.writelines(DETAIL.format(**values, payment=one, rf=reference.reference_of(one)) for one in payments)
    file.write(CLOSE)
    return count, count * 100_001


def measure(path: Path) -> dict[str, object]:
    """Reads a file in this process and says what it came to."""
    began = time.perf_counter()
    result = read(OnDisk(path))
    seconds, cpu = time.perf_counter() - began, time.process_time()
    assert isinstance(result, BankFile), result
    (statement,) = result.statements
    return {
        "entries": len(statement.entries),
        "identities": len({entry.payment_id for entry in statement.entries}),
        "found": sum(entry.original_found for entry in statement.entries),
        "reversals": sum(entry.kind is Kind.REVERSAL for entry in statement.entries),
        "proven": statement.proven,
        "peak_mib": peak_mib(),
        "milliseconds": round(seconds * 1000),
        "cpu_milliseconds": round(cpu * 1000),
    }


def peak_mib() -> int:
    """The most memory that this process had. Not `getrusage`: that begins with the peak of whoever started it."""
    (kib,) = re.findall(r"^VmHWM:\s+([0-9]+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kib) // 1024


def measured_apart(path: Path) -> dict[str, int]:
    """What a fresh process says that reads the file; nothing of this one counts."""
    code = f"import json; from pathlib import Path; from {__spec__.name} import measure; "
    code += "import sys; print(json.dumps(measure(Path(sys.argv[1]))))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    answer: dict[str, int] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(("shape", "size_mib"), [("entries", 10), ("one batch", 5), ("taken back", 5)])
def test_memory_stays_small(tmp_path: Path, shape: str, size_mib: int) -> None:
    """Every payment is there, proven to the cent, and beside its own start the process never needed much more than
    what is left of the file once it is read."""
    path = tmp_path / "large.xml"
    count = write(path, size_mib, shape)
    seen = measured_apart(path)
    assert (seen["entries"], seen["identities"], seen["proven"]) == (count, count, True)
    assert seen["found"] == seen["reversals"] == (count // 2 if shape == "taken back" else 0)
    assert seen["peak_mib"] < FIXED_MIB + FOR_TEN_MIB[shape] * size_mib // 10


if __name__ == "__main__":
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    for each in FOR_TEN_MIB:
        target = folder / f"large-{each.replace(' ', '-')}.xml"
        written = write(target, size, each)
        sys.stdout.write(f"{each}: {target.stat().st_size} bytes, {written} payments, {measured_apart(target)}\n")
