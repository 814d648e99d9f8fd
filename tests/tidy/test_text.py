"""House rules on the text of every file, and the proof that each rule can complain."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.tidy import rules, tree

Rule = Callable[[str], list[str]]

# Rooms where an amount may pass by.
_NEAR_MONEY = ("domain", "store", "handlers", "feeds", "statements", "api", "dump")


def complaints(rule: Rule, paths: Iterable[Path]) -> list[str]:
    """What a rule says of each file; bytes that are not UTF-8 stand in banks' files, in encodings of their own."""
    return [f"{tree.name(path)}:{line}" for path in paths for line in rule(path.read_text("utf-8", errors="replace"))]


def near_money() -> list[Path]:
    rooms = [
        path
        for path in tree.python("services")
        if any(part.removesuffix(".py") in _NEAR_MONEY for part in path.relative_to(tree.ROOT).parts[2:3])
    ]
    return [
        *rooms,
        *tree.python(
            "shared/money.py", "shared/currency.py", "shared/reference.py", "shared/contracts", "drawdown/check"
        ),
    ]


def test_functions_fit_on_a_screen() -> None:
    """No function is longer than 70 lines."""
    assert complaints(rules.long_functions, tree.python()) == []


def test_files_stay_rooms() -> None:
    """No Python file is longer than 400 lines."""
    assert complaints(rules.long_file, tree.python()) == []


def test_no_float_comes_near_money() -> None:
    """No float, float literal or true division where amounts pass by."""
    paths = near_money()
    assert paths
    assert complaints(rules.floats, paths) == []


def test_time_and_ids_are_passed_in() -> None:
    """Only shared/clock.py reads the clock and only shared/ids.py makes ids."""
    allowed = {"shared/clock.py", "shared/ids.py"}
    paths = [path for path in tree.python(*tree.PACKAGES) if tree.name(path) not in allowed]
    assert complaints(rules.clock_and_ids, paths) == []


def test_suppressions_say_why() -> None:
    """Every noqa and type: ignore names its code and gives a reason."""
    paths = [path for path in tree.python() if not path.is_relative_to(tree.ROOT / "tests/tidy")]
    assert complaints(rules.bare_suppressions, paths) == []


def test_nothing_is_put_off() -> None:
    """No text holds a note of unfinished work."""
    assert complaints(rules.leftovers, tree.texts()) == []


def test_every_test_runs() -> None:
    """No test is skipped, expected to fail, or run against an imitation of our own parts."""
    assert complaints(rules.tests_not_run, tree.python("tests")) == []


def test_text_belongs_to_the_project() -> None:
    """No text names the host of a package registry or a path of one machine."""
    assert complaints(rules.machine_text, tree.texts()) == []


def test_classes_are_named_for_what_they_are() -> None:
    """No class is a Manager, a Helper or a Util."""
    assert complaints(rules.vague_names, tree.python()) == []


def test_every_test_states_its_promise() -> None:
    """Every test function opens with the promise that it guards."""
    assert complaints(rules.unpromising_tests, tree.python("tests")) == []


def test_nothing_committed_is_huge() -> None:
    """No committed file is larger than 512 KiB, so a review can open all of them."""
    assert [tree.name(path) for path in tree.files() if path.stat().st_size > 512 * 1024] == []


_LONG_BODY = "\n".join("    x = 1" for _ in range(70))

BAD: list[tuple[Rule, str]] = [
    (rules.long_functions, f"def f():\n{_LONG_BODY}\n"),
    (rules.long_functions, f"class C:\n  async def f(self):\n{_LONG_BODY}\n"),
    (rules.long_file, "x = 1\n" * 401),
    (rules.floats, "amount = float('1.10')"),
    (rules.floats, "def f(amount: float) -> None: ..."),
    (rules.floats, "rate = 0.5"),
    (rules.floats, "half = amount / 2"),
    (rules.clock_and_ids, "from datetime import datetime, UTC\nnow = datetime.now(UTC)"),
    (rules.clock_and_ids, "import datetime\nnow = datetime.datetime.utcnow()"),
    (rules.clock_and_ids, "from datetime import date\nday = date.today()"),
    (rules.clock_and_ids, "import time\nnow = time.time()"),
    (rules.clock_and_ids, "from uuid import uuid4\nname = uuid4()"),
    (rules.clock_and_ids, "import uuid\nname = uuid.uuid4().hex"),
    (rules.bare_suppressions, "x = 1  # no" + "qa"),
    (rules.bare_suppressions, "x = 1  # no" + "qa: S608"),
    (rules.bare_suppressions, "x = 1  # type: " + "ignore[arg-type]"),
    (rules.bare_suppressions, "x = 1  # type: " + "ignore  # it is fine so"),
    (rules.leftovers, "# TO" + "DO: later"),
    (rules.leftovers, "text FIX" + "ME"),
    (rules.tests_not_run, "@pytest.mark" + ".skip\ndef test_x(): ..."),
    (rules.tests_not_run, "pytest" + ".xfail('slow')"),
    (rules.tests_not_run, "from unittest" + ".mock import Mock"),
    (rules.machine_text, "index-url = https://pypi" + ".org/simple"),
    (rules.machine_text, "cd /wo" + "rk/main"),
    (rules.machine_text, "see /tm" + "p/x.log"),
    (rules.vague_names, "class PaymentManager: ..."),
    (rules.vague_names, "class StringUtils: ..."),
    (rules.unpromising_tests, "def test_x() -> None:\n    assert True"),
]

GOOD: list[tuple[Rule, str]] = [
    (rules.long_functions, f"def f():\n{_LONG_BODY[:-10]}\n"),
    (rules.floats, "path = root / 'x'\nwhole = amount // 2"),
    (rules.floats, "PATIENCE_SECONDS: Final = 3.5"),
    (rules.floats, "shown = {'example': {'called_pct': 40.0}}\nField(examples=[0.5])"),
    (rules.clock_and_ids, "now = clock.now()\nspan = time.monotonic()"),
    (rules.bare_suppressions, "x = 1  # no" + "qa: S608 - static text, built once at import"),
    (rules.bare_suppressions, "x = 1  # type: " + "ignore[misc]  # the stubs forget this overload"),
    (rules.leftovers, "todos are for others; XXX is a currency code"),
    (rules.machine_text, "GET /api/work/1 and ./tmp/x, deploy/home/y, ${HOME}/tmp/x"),
    (rules.vague_names, "class Allocation: ..."),
]


@pytest.mark.parametrize(("rule", "text"), BAD, ids=lambda value: getattr(value, "__name__", None))
def test_each_rule_can_complain(rule: Rule, text: str) -> None:
    """A rule that never complains guards nothing."""
    assert rule(text)


@pytest.mark.parametrize(("rule", "text"), GOOD, ids=lambda value: getattr(value, "__name__", None))
def test_each_rule_can_be_content(rule: Rule, text: str) -> None:
    """A rule that always complains is soon suppressed."""
    assert rule(text) == []
