"""Promises of logs and counters."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import telemetry


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leaves logging as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours and a library's look the same, and exceptions stay on their line."""
    telemetry.start_logging("payments", "INFO")
    structlog.get_logger("x").info("listening", port=8002)
    logging.getLogger("aiokafka").warning("broker %s is away", 1)
    logging.getLogger("aiokafka").info("chatter")
    structlog.get_logger("x").error("failed", exc_info=RuntimeError("two\nlines"))
    ours, theirs, failed = lines(capsys)
    assert (ours["event"], ours["port"], ours["service"], ours["level"]) == ("listening", 8002, "payments", "info")
    assert (theirs["event"], theirs["service"], theirs["level"]) == ("broker 1 is away", "payments", "warning")
    assert "two\nlines" in str(failed["exception"])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"url": "postgresql://me:hunter2@db:5432/x"}, {"url": "postgresql://me:***@db:5432/x"}),
        ({"password": "hunter2", "account_number": "1234567890"}, {"password": "***", "account_number": "***"}),
        ({"remittance": "from DE89370400440532013000 today"}, {"remittance": "from ***3000 today"}),
        ({"remitter": {"iban": "x", "name": "Acme LP"}}, {"remitter": {"iban": "***", "name": "Acme LP"}}),
        ({"lines": ["DE89 3704 0044 0532 0130 00"]}, {"lines": ["***3000"]}),
        ({"reference": "RF97D0000000017", "offset": 10**10}, {"reference": "RF97D0000000017", "offset": 10**10}),
    ],
)
def test_no_secret_reaches_a_log(given: dict[str, object], shown: dict[str, object]) -> None:
    """Passwords, tokens and account numbers are cut wherever they stand; our own references are not."""
    assert telemetry.redact(None, "info", given) == shown


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the level of the settings nothing is written."""
    telemetry.start_logging("payments", "ERROR")
    structlog.get_logger("x").warning("hidden")
    logging.getLogger("lib").warning("hidden")
    assert lines(capsys) == []
