"""The promise of profiles: whatever a bank's way of writing is, what it wrote is read back as it was meant."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.feeds import BankFile, InMemory, Kind, Limits, Mark, NotTaken, WhyNot, csv_file
from services.payments.feeds.csv_profile import (
    Column,
    Columns,
    Decimals,
    Header,
    Layout,
    Minus,
    MinusAt,
    Numbers,
    Order,
    Profile,
    SignRule,
    Signs,
    Statuses,
    check,
)
from services.payments.feeds.csv_profile_json import from_json, to_json
from tests.payments.feeds.writing_csv import Movement, write

ACCOUNT = "DE02120300000000202051"
DAYS = st.integers(0, 20_000).map(lambda n: date(2000, 1, 1) + timedelta(days=n))
# No quote or delimiter where there are no quotes; nothing that an encoding lacks.
TEXTS = st.text("abc XYZ 0123=+-@ü", max_size=30).map(lambda text: " ".join(text.split()))
QUOTED_TEXTS = st.text("abc XYZ 0123=+-@ü;,\t|'\"", max_size=30).map(lambda text: " ".join(text.split()))


@st.composite
def profiles(draw: st.DrawFn, code: str, *, balanced: bool = False) -> Profile:
    """Any way of writing that has no complaint."""
    rule = draw(st.sampled_from(SignRule))
    minus = Minus.REFUSED
    if rule is SignRule.MARK:
        minus = draw(st.sampled_from([Minus.REFUSED, Minus.ON_DEBITS]))
    if rule is SignRule.TWO_COLUMNS:
        minus = draw(st.sampled_from(Minus))
    has_header = draw(st.booleans())
    names: Iterator[Column] = iter([f"Spalte {n}" for n in range(1, 30)] if has_header else range(1, 30))
    says_back = rule in {SignRule.SIGNED, SignRule.SIGNED_REVERSED} or minus is not Minus.TAKES_BACK
    by_words = rule is SignRule.MARK and draw(st.booleans())
    money = {
        SignRule.MARK: ("amount", "mark"),
        SignRule.TWO_COLUMNS: ("credit", "debit"),
    }.get(rule, ("amount",))
    members = ["booking_date", "value_date", *money, "bank_reference", "remitter_name", "status"]
    members += [name for name in ("currency", "account") if draw(st.booleans())]
    members += ["balance"] if balanced or draw(st.booleans()) else []
    members += ["taken_back"] if says_back and not by_words else []
    placed: dict[str, Any] = {name: next(names) for name in draw(st.permutations(members))}
    columns = Columns(**placed, remittance=(next(names),))
    decimal = draw(st.sampled_from(".,"))
    exact = draw(st.sampled_from(Decimals))
    delimiter = draw(st.sampled_from(";\t|^~"))
    profile = Profile(
        name="any-bank",
        version=draw(st.integers(1, 9)),
        dates=draw(st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%-m/%-d/%Y", "%d %b %Y", "%y%m%d", "%Y-%m-%dT%H:%M:%S"])),
        signs=Signs(
            rule,
            minus,
            credit=("in",) if rule is SignRule.MARK else (),
            debit=("out",) if rule is SignRule.MARK else (),
            credit_taken_back=("in back",) if by_words else (),
            debit_taken_back=("out back",) if by_words else (),
            taken_back=("back",) if columns.taken_back is not None else (),
        ),
        columns=columns,
        layout=Layout(
            encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])),
            delimiter=delimiter,
            quote=draw(st.sampled_from(['"', "'", None])),
            header=draw(st.sampled_from([Header.FIRST, Header.SEARCH])) if has_header else Header.NONE,
            width=None if has_header else len(list(columns.all())),
            skip_bottom=draw(st.integers(0, 2)),
            trailing_empty=draw(st.booleans()),
        ),
        numbers=Numbers(
            decimal,
            draw(st.sampled_from([None, "'", " ", "\u00a0", "." if decimal == "," else ","])),
            draw(st.sampled_from(MinusAt)),
            exact,
            draw(st.sampled_from([None, "$", "EUR"])),
        ),
        statuses=Statuses(("booked",), ("pending",)),
        order=draw(st.sampled_from(Order)),
        currency=None if columns.currency is not None else code,
        account=None if columns.account is not None else ACCOUNT,
    )
    assert check(profile) == ()
    return profile


@st.composite
def movements(draw: st.DrawFn, profile: Profile, number: int, *, booked: bool) -> Movement:
    texts = TEXTS if profile.layout.quote is None else QUOTED_TEXTS
    return Movement(
        minor=draw(st.integers(1, 10**13)),
        is_in=draw(st.booleans()),
        booked_on=draw(DAYS),
        valued_on=draw(DAYS),
        taken_back=draw(st.booleans()),
        pending=not booked and draw(st.sampled_from([False, False, False, True])),
        bank_reference=draw(st.sampled_from([None, f"B-{number}"])),
        text=draw(texts),
        name=draw(texts),
    )


@st.composite
def files(draw: st.DrawFn, *, balanced: bool = False) -> tuple[Profile, str, int, list[Movement]]:
    """A profile, a currency, an opening balance and movements: `balanced` ones are three at least, all booked."""
    code = draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
    profile = draw(profiles(code, balanced=balanced))
    count = draw(st.integers(3 if balanced else 1, 6))
    given_movements = [draw(movements(profile, number, booked=balanced)) for number in range(count)]
    return profile, code, draw(st.integers(-(10**12), 10**12)), given_movements


@settings(max_examples=100, deadline=None)
@given(files())
def test_what_is_written_is_read_back(file: tuple[Profile, str, int, list[Movement]]) -> None:
    """Amounts, directions, reversals, days, texts, references and balances survive, in any way of writing."""
    profile, code, opening, written = file
    result = csv_file.read(
        InMemory(write(profile, written, opening=opening, code=code, account=ACCOUNT)), Limits(), profile
    )
    assert isinstance(result, BankFile), result
    (found,) = result.statements
    assert (found.account, found.currency) == (ACCOUNT, code)
    booked = [one for one in written if not one.pending]
    if profile.columns.balance is not None and booked:
        assert found.opening == opening
        assert found.closing == opening + sum(one.signed for one in booked)
        assert found.proven is True
    else:
        assert found.proven is None
    assert len(found.entries) == len(written)
    for entry, one in zip(found.entries, written, strict=True):
        assert (entry.signed, entry.amount) == (one.signed, one.minor)
        assert (entry.booking_date, entry.value_date) == (one.booked_on, one.valued_on)
        assert entry.bank_reference == one.bank_reference
        kind = {(True, False): Kind.CREDIT, (False, True): Kind.REVERSAL}.get((one.is_in, one.taken_back))
        assert (entry.kind, entry.mark) == (kind, Mark.CREDIT if one.is_in else Mark.DEBIT)
        assert (entry.why_not is WhyNot.PENDING) is one.pending
        assert entry.posted is (entry.why_not is None)
        shown = (one.name, one.text) if kind else (None, f"{one.name} {one.text}".strip())
        assert (entry.remitter_name or "", entry.remittance or "") == (shown[0] or "", shown[1])
    posted = [entry.payment_id for entry in found.entries if entry.posted]
    assert len(set(posted)) == len(posted)


@settings(max_examples=60, deadline=None)
@given(files(balanced=True), st.integers(0, 100))
def test_a_lost_row_never_passes_a_running_balance(file: tuple[Profile, str, int, list[Movement]], where: int) -> None:
    """Where a bank states balances row by row, no row between two others can be lost without the file being refused."""
    profile, code, opening, written = file
    whole = write(profile, written, opening=opening, code=code, account=ACCOUNT)
    rows = whole.decode(profile.layout.encoding).splitlines(keepends=True)
    del rows[1 + where % (len(written) - 2) + (profile.layout.header is not Header.NONE)]
    result = csv_file.read(InMemory("".join(rows).encode(profile.layout.encoding)), Limits(), profile)
    assert isinstance(result, NotTaken), result
    assert "a row is missing" in result.problems[0].what


@settings(max_examples=60, deadline=None)
@given(profiles("EUR"))
def test_a_profile_is_the_same_after_json(profile: Profile) -> None:
    """There and back, nothing is lost, and nothing that is as usual is written down."""
    definition = to_json(profile)
    assert from_json(profile.name, profile.version, definition) == profile
    assert "name" not in definition
    assert ("order" in definition) is (profile.order is not Order.OLDEST_FIRST)
