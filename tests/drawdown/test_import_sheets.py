"""Promises of sheets: CSV as spreadsheets write it is read row by row, and what is no sheet of ours says why."""

import csv
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawdown.imports.results import Results, RowResult
from drawdown.imports.sheets import BadSheet, look_over, rows_of

PAYMENTS: Final = "payment_id,amount,currency,value_date,call_key,note\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "sheet.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_sheet_of_one_kind_needs_no_type(tmp_path: Path) -> None:
    """Its columns say what the rows tell of; empty cells, notes and empty rows are nothing."""
    sheet = look_over(
        written(tmp_path, PAYMENTS + "E1,5.00,USD,2019-03-02,,paid late\n,,,,,\nE2,6.00,USD,2019-03-03,C1\n")
    )
    assert sheet.rows == 2
    assert [(number, dict(cells)) for number, cells in rows_of(sheet, "payment")] == [
        (2, {"payment_id": "E1", "amount": "5.00", "currency": "USD", "value_date": "2019-03-02"}),
        (4, {"payment_id": "E2", "amount": "6.00", "currency": "USD", "value_date": "2019-03-03", "call_key": "C1"}),
    ]


KINDS: Final = [
    ("fund_key,name,currency,time_zone,size", "fund"),
    ("deal_key,name", "deal"),
    ("allocation_key,fund_key,deal_key,committed", "allocation"),
    ("call_key,allocation_key,amount,due_date", "call"),
    ("payment_id,amount,currency,value_date,call_key", "payment"),
]


@pytest.mark.parametrize(("header", "kind"), KINDS)
def test_columns_tell_the_kind(tmp_path: Path, header: str, kind: str) -> None:
    """Each of the five kinds is known by its columns alone."""
    assert look_over(written(tmp_path, f"{header}\n{','.join('x' * len(header.split(',')))}\n")).places.keys() == {kind}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_of_all_countries(tmp_path: Path, delimiter: str) -> None:
    """Semicolons and tabs part cells too; a byte order mark, capitals and Windows' line ends do not matter."""
    rows = [["Type", "Deal_Key", " name "], ["deal", "D1", 'Acme, "the" deal; a\ttab'], ["deal", "D2", "Ünïcode"]]
    with (tmp_path / "sheet.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    sheet = look_over(tmp_path / "sheet.csv")
    assert [cells["name"] for _, cells in rows_of(sheet, "deal")] == ['Acme, "the" deal; a\ttab', "Ünïcode"]


def test_kinds_may_stand_in_any_order(tmp_path: Path) -> None:
    """One file with a column `type`: each kind is found wherever its rows stand, under the numbers they have there."""
    rows = "type,fund_key,deal_key,name,currency,time_zone,size\n"
    rows += "deal,,D1,One,,,\nfund,F1,,Two,USD,UTC,5\ndeal,,D2,Three,,,\n"
    sheet = look_over(written(tmp_path, rows))
    assert [one.number for one in rows_of(sheet, "deal")] == [2, 4]
    assert [one.number for one in rows_of(sheet, "fund")] == [3]


def test_payments_of_a_call_are_read_together(tmp_path: Path) -> None:
    """Each call's payments in their order, whatever stands between them, with what takes them back at its place: a
    payment that came back and was made again fits as it did; only what takes back a stranger comes last."""
    header = PAYMENTS.replace("note", "reverses")
    cells = [("R0", "", "E0"), ("E1", "C1", ""), ("E2", "C2", ""), ("R1", "", "E1"), ("E3", "C1", "")]
    rows = [f"{id},5.00,USD,2019-03-02,{call},{reverses}\n" for id, call, reverses in cells]
    sheet = look_over(written(tmp_path, header + "".join(rows)))
    assert [one.cells["payment_id"] for one in rows_of(sheet, "payment")] == ["E1", "R1", "E3", "E2", "R0"]


def test_rows_that_fit_nowhere_are_named(tmp_path: Path) -> None:
    """A type that nobody knows, or more cells than columns: the row is refused, and the others are read."""
    sheet = look_over(written(tmp_path, "type,deal_key,name\nfnud,F1,x\ndeal,D1,x,y,z\ndeal,D2,x\n"))
    assert [(number, kind) for number, kind, _ in sheet.misfits] == [(2, "fnud"), (3, "deal")]
    assert [one.number for one in rows_of(sheet, "deal")] == [4]
    assert sheet.rows == 3


BAD: Final = [
    (b"", "row 1 must name the columns"),
    (b"\n", "row 1 must name the columns"),
    (b"deal_key,nmae\n", "no column is called 'nmae'"),
    (b"deal_key,name,name\n", "the column name stands there twice"),
    (b"name,note\n", "no column says what the rows tell of"),
    (b"payment_id,amount\nE1,5\n", "a payment needs the columns currency, value_date"),
    (b"deal_key,name\nD1,\xe9\n", "byte 18 is not UTF-8"),
    (b'deal_key,name\nD1,"open\nD2,x\n', "row 2:"),
    (b"deal_key,name\nD1,a\rD2,b\n", "row 2:"),
    ("deal_key,name\nD1,x\n".encode("utf-16"), "is not UTF-8; save the sheet as CSV UTF-8"),
]


@pytest.mark.parametrize(("data", "says"), BAD, ids=[says for _, says in BAD])
def test_what_is_no_sheet_is_refused_whole(tmp_path: Path, data: bytes, says: str) -> None:
    """Before anything is sent, with the place and the reason."""
    with pytest.raises(BadSheet, match=r"sheet\.csv") as refused:
        look_over(written(tmp_path, data))
    assert says in str(refused.value)


TEXTS: Final = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=12))
def test_whatever_a_spreadsheet_writes_is_read_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """Quotes, delimiters and line ends inside cells: every row comes back, cell by cell, under its number."""
    with (tmp_path / "sheet.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("deal_key", "name"), *rows])
    found = dict(rows_of(look_over(tmp_path / "sheet.csv"), "deal"))
    wanted = {
        number: {name: cell for name, cell in zip(("deal_key", "name"), row, strict=True) if cell}
        for number, row in enumerate(rows, 2)
        if any(row)
    }
    assert found == wanted


def test_results_end_in_the_order_of_rows(tmp_path: Path) -> None:
    """They are written as they come, and sorted once all are there; an interrupted run leaves what it had."""
    some = [RowResult(n, "deal", f"D{n}", "created", n) for n in (4, 2, 3)]
    with Results(tmp_path / "sheet.csv") as results:
        results.add(some)
        assert results.path.read_text().splitlines()[1].startswith("4,deal,D4,created,4")
    numbers = [line.split(",")[0] for line in results.path.read_text().splitlines()]
    assert numbers == ["row", "2", "3", "4"]
    with pytest.raises(KeyboardInterrupt), Results(tmp_path / "sheet.csv") as interrupted:
        interrupted.add(some)
        raise KeyboardInterrupt
    assert len(results.path.read_text().splitlines()) == 4


def test_a_key_is_no_formula(tmp_path: Path) -> None:
    """Whoever opens the results in a spreadsheet sees text, never what a cell of the file would compute."""
    with Results(tmp_path / "sheet.csv") as results:
        results.add([RowResult(2, "deal", "=cmd|' /C calc'!A0", "created", 1)])
    assert ",'=cmd" in results.path.read_text()
