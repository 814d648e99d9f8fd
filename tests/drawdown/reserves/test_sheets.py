"""Promises of sheets of reserves: amounts are exact whatever their currency, and what is wrong says where."""

import csv
import io
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from drawdown.reserves.desk import Book
from drawdown.reserves.picture import in_major, share, show_preview, shown
from drawdown.reserves.sheets import LARGEST_MINOR, BadSheet, Row, amount_of, read_sheet, write_sheet
from shared.ids import LARGEST

HEAD: Final = "company_id,planned_reserves,allocation_cap\n"


def problems(text: str | bytes, code: str = "USD", *, setting_up: bool = False) -> tuple[str, ...]:
    with pytest.raises(BadSheet) as refused:
        read_sheet(text if isinstance(text, bytes) else text.encode(), code, setting_up=setting_up)
    return refused.value.problems


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_sheets_are_read_as_spreadsheets_write_them(delimiter: str) -> None:
    """A byte order mark, capitals, any order of columns, notes, empty rows and Windows' line ends do not matter."""
    lines = [["Planned_Reserves", " note", "company_id", "ALLOCATION_CAP "], ["1500000.00", "so", "12", ""], [""] * 4]
    lines += [["7", "", "9", "8.5"]]
    text = "\ufeff" + "\r\n".join(delimiter.join(line) for line in lines)
    assert read_sheet(text.encode(), "USD") == [Row(2, 12, amount_of("1500000.00", "USD")), Row(4, 9, 7_00, 8_50)]  # type: ignore[arg-type]  # plain figures read better


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("0", "USD", 0),
        ("0.01", "USD", 1),
        ("9999999999999.99", "USD", LARGEST_MINOR),
        ("1000", "JPY", 1000),
        ("1.005", "KWD", 1005),
        ("90071992547409.93", "USD", None),
        ("1.005", "USD", None),
        ("1000.0", "JPY", None),
        ("1,000.00", "USD", None),
        ("1e3", "USD", None),
        ("-1", "USD", None),
        ("", "USD", None),
        ("١", "USD", None),
        ("10000000000000.00", "USD", None),
    ],
)
def test_amounts_are_exact(text: str, code: str, minor: int | None) -> None:
    """A plain decimal of the currency becomes whole minor units; nothing else is an amount, and nothing is rounded."""
    if minor is not None:
        assert amount_of(text, code) == minor
    else:
        with pytest.raises(ValueError, match=r"no amount in|the most there can be"):
            amount_of(text, code)


def test_every_bad_line_is_named() -> None:
    """Line and reason of each, so a person corrects the file once."""
    rows = ["1,5.00", "x,5.00,", "0,1,", f"{LARGEST + 1},1,", "4,,", "5,1.234,", "6,1,one", "7,1,", "7,2,", "8,1,,9"]
    found = problems(HEAD + "\n".join([*rows, "9,1,none"]))
    assert [problem.partition(":")[0] for problem in found] == [f"line {n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 11, 12)]
    for problem, says in zip(
        found,
        [
            *("2 columns in place of 3", "'x' is no company's id", "'0' is no company's id", "is no company's id"),
            *("write 0 to plan nothing", "'1.234' is no amount in USD such as 400000.00", "'one' is no amount"),
            *("company 7 stands in line 9 already", "4 columns in place of 3", "cannot take a cap away"),
        ],
        strict=True,
    ):
        assert says in problem


def test_lines_are_counted_as_an_editor_shows_them() -> None:
    """A note of several lines moves those behind it down."""
    assert problems('company_id,planned_reserves,note\n1,1,"a\nb"\n2,x,\n')[0].startswith("line 4: 'x'")


BAD: Final = [
    (b"", "line 1: the head must name company_id,planned_reserves"),
    (b"company_id\n1\n", "planned_reserves is missing"),
    (b"company_id,planned_reserves,cap\n1,2,3\n", "no column is called 'cap'"),
    (b"company_id,planned_reserves,note,note\n1,2,3,4\n", "the column note stands there twice"),
    (b"company_id,planned_reserves\n", "there is no company in this file"),
    (b"company_id,planned_reserves\n1,\xff\n", "line 2: not UTF-8"),
    (b'company_id,planned_reserves\n1,"2\n', "line 2: "),
]


@pytest.mark.parametrize(("data", "says"), BAD, ids=[says for _, says in BAD])
def test_what_is_no_sheet_is_refused_whole(data: bytes, says: str) -> None:
    """Before anything is read of it, with the place and the reason."""
    [problem] = problems(data)
    assert says in problem


def test_a_set_up_leaves_out_and_takes_away() -> None:
    """An empty cell leaves things as they are; `none` takes a cap away; a proposal says all of its amounts."""
    rows = read_sheet(f"{HEAD}1,,\n2,5.00,6.00\n3,,none\n".encode(), "USD", setting_up=True)
    assert [row.company() for row in rows] == [
        {"company_id": 1},
        {"company_id": 2, "planned_reserves_cents": 500, "allocation_cap_cents": 600},
        {"company_id": 3, "allocation_cap_cents": None},
    ]
    assert rows[1].proposed() == {"company_id": 2, "planned_reserves_cents": 500, "allocation_cap_cents": 600}
    assert "allocation_cap_cents" not in read_sheet(b"company_id,planned_reserves\n1,0", "USD")[0].proposed()


AMOUNTS: Final = st.integers(0, LARGEST_MINOR)
NAMES: Final = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.dictionaries(st.integers(1, LARGEST), st.tuples(NAMES, AMOUNTS), min_size=1),
)
def test_what_is_written_is_read_back(tmp_path: Path, code: str, reserves: dict[int, tuple[str, int]]) -> None:
    """Any ids, names and amounts: the sheet of a suggestion has them to the last unit, and no cell is a formula."""
    path = tmp_path / "sheet.csv"
    write_sheet(path, [(company, name, planned) for company, (name, planned) in reserves.items()], code)
    rows = read_sheet(path.read_bytes(), code)
    assert {row.company_id: row.planned for row in rows} == {id: planned for id, (_, planned) in reserves.items()}
    with path.open(encoding="utf-8", newline="") as file:
        assert not any(cell.startswith(("=", "+", "-", "@")) for line in csv.reader(file) for cell in line)


def test_amounts_are_shown_in_major_units() -> None:
    """For programs as plain decimals, for people with their thousands parted; whatever is no amount stays."""
    told = {"version": 3, "to_cents": 5, "cap_cents": None, "totals": {"total_allocated_before": 100}, "ids": [1, 2]}
    assert in_major(told, "USD") == {
        "version": 3,
        "to": "0.05",
        "cap": None,
        "totals": {"total_allocated_before": "1.00"},
        "ids": [1, 2],
    }
    assert [shown(n, "USD", signed=True) for n in (150_000_000, 0, -5)] == ["+1,500,000.00", "0.00", "-0.05"]
    assert shown(1_000, "JPY") == "1,000"
    assert [share(*parts) for parts in ((1, 3), (2, 3), (1, 2000), (1, 2001), (0, 0))] == [
        "33.3",
        "66.7",
        "0.1",
        "0.0",
        "0.0",
    ]


def test_a_long_preview_is_cut_for_people() -> None:
    """Five hundred companies and warnings are shown, the number of the others is said, and the totals are of all."""
    deltas = [
        {"company_id": n, "company_name": f"D{n}", "from_cents": 0, "to_cents": 1, "delta_cents": 1}
        | {"delta_pct": "100.0", "status": "increased"}
        for n in range(1, 503)
    ]
    totals = {"total_allocated_before": 0, "total_allocated_after": 502, "delta_cents": 502, "delta_pct": "100.0"}
    told = {"deltas": deltas, "totals": totals, "warnings": [{"severity": "warning", "message": "x"}] * 501}
    out = io.StringIO()
    book = Book(1, "Fund", "USD", 1, 0, [])
    show_preview(Console(file=out, width=100), book, {**told, "digest": "d"})
    text = out.getvalue()
    assert " D500 " in text
    assert " D501 " not in text
    assert "and 2 more companies; --json has them all" in text
    assert "and 1 more warnings; --json has them all" in text
    assert "0.00 → 5.02 USD" in text
