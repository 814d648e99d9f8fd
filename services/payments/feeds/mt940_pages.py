"""One message of MT940 or MT942 as a page of a statement: its account, number, balances, sums and entries.

The shapes of balances, sums and limits are the library's, read as strictly as SWIFT writes them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from mt940 import tags
from stdnum import iban

from services.payments.feeds.fields import clean, read_currency, read_day
from services.payments.feeds.model import BadFile, Balance, Entry, Limits, Mark
from services.payments.feeds.mt940_entries import funds_of, read_comma_amount, read_entry
from services.payments.feeds.mt940_lines import Field, Message
from shared.money import Minor

Note: TypeAlias = Callable[[BadFile], None]

_ONCE: Final = {"25": "25", "25P": "25", "28": "28", "28C": "28", "60": "60", "60F": "60", "60M": "60", "62": "62",
                "62F": "62", "62M": "62", "90C": "90C", "90D": "90D"}  # fmt: skip
_BALANCES: Final = ("60", "60F", "60M", "62", "62F", "62M", "64", "65")
_NUMBER: Final = re.compile(r"([0-9]{1,35})(?:/([0-9]{1,5}))?", re.ASCII)
_FREE_TEXT: Final = frozenset({"61", "86", "NS"})
_AFTER_CLOSING: Final = frozenset({"13", "13D", "64", "65", "86", "90", "90C", "90D", "NS"})


@dataclass(frozen=True, slots=True)
class Total:
    """What a bank counts and adds up itself, of one direction."""

    line: int
    count: int | None
    amount: Minor


@dataclass(frozen=True, slots=True)
class Page:
    """A message; `interim` is a report during the day (MT942), which may have no balances."""

    line: int
    interim: bool
    id: str
    number: int | None
    account: str
    currency: str
    opening: Balance | None
    closing: Balance | None
    balances: tuple[Balance, ...]
    entries: tuple[Entry, ...]
    totals: dict[Mark, Total]
    floor: Minor
    funds: frozenset[str]


def read_page(message: Message, limits: Limits, note: Note) -> Page | None:
    """The page of a message. What is wrong with an entry is noted, and the next one is read; None where something is
    wrong with the page itself, which is noted too."""
    try:
        return _page(message, limits, note)
    except BadFile as bad:
        note(bad)
        return None


def _page(message: Message, limits: Limits, note: Note) -> Page:
    if message.kind not in {None, "940", "942"}:
        raise BadFile(message.line, f"this is an MT{message.kind}; only MT940 and MT942 are read")
    once = _once(message)
    balances = [_balance(one) for one in message.fields if one.tag in _BALANCES]
    totals, floors = _totals(message), _floors(message)
    stated = [b.currency for b in balances] + [code for code, _, _ in totals] + [code for code, _ in floors]
    if not stated:
        raise BadFile(message.line, "the statement names no currency: it has no balance, limit or sum to take it from")
    if others := sorted({*stated} - {stated[0]}):
        raise BadFile(message.line, f"the statement is in {stated[0]} and in {', '.join(others)}; one account has one")
    interim = _is_interim(message, balances)
    if not interim:
        _must_have_balances(message, once)
    identity, number = _identity(message, once.get("28"))
    return Page(
        line=message.line,
        interim=interim,
        id=identity,
        number=number,
        account=_account(message, once.get("25"), stated[0]),
        currency=stated[0],
        opening=next((b for b in balances if b.code.startswith("60")), None),
        closing=next((b for b in balances if b.code.startswith("62")), None),
        balances=tuple(balances),
        entries=tuple(_entries(message, stated[0], limits, note)),
        totals={mark: total for _, mark, total in totals if mark},
        floor=max((amount for _, amount in floors), default=Minor(0)),
        funds=frozenset(letter for one in message.fields if one.tag == "61" and (letter := funds_of(one))),
    )


def _once(message: Message) -> dict[str, Field]:
    """The fields that a message has once, by their number."""
    found: dict[str, Field] = {}
    for one in message.fields:
        if one.tag not in _FREE_TEXT and one.tag != "25P":
            _ = one.only
        if "62" in found and one.tag not in _AFTER_CLOSING:
            raise BadFile(one.line, f":{one.tag}: stands behind the closing balance of line {found['62'].line}")
        if name := _ONCE.get(one.tag):
            if name in found:
                first = found[name]
                raise BadFile(one.line, f":{one.tag}: stands here again; the statement has :{first.tag}: already")
            found[name] = one
    return found


def _is_interim(message: Message, balances: list[Balance]) -> bool:
    if message.kind is not None:
        return message.kind == "942"
    reports = any(one.tag in {"34", "34F", "90C", "90D"} for one in message.fields)
    return reports and not any(one.code.startswith(("60", "62")) for one in balances)


def _must_have_balances(message: Message, once: dict[str, Field]) -> None:
    if "60" not in once:
        raise BadFile(message.line, "the statement has no opening balance (:60F:)")
    if "62" not in once:
        raise BadFile(message.line, "the statement has no closing balance (:62F:): the file may be cut off")


def _identity(message: Message, field: Field | None) -> tuple[str, int | None]:
    """The statement's own number, and the page's; a bank that does not number its statements gives its reference."""
    text = "" if field is None else (clean(field.only) or "")
    number = _NUMBER.fullmatch(text)
    name = number[1] if number else text
    if not name.strip("0"):
        name = clean(message.fields[0].only) or ""
    return name, int(number[2]) if number and number[2] else None


def _account(message: Message, field: Field | None, code: str) -> str:
    """The account as its bank writes it, without a slash before it and the currency behind it."""
    account = None if field is None else clean(field.lines[0].strip().removeprefix("/"))
    if field is None or account is None:
        raise BadFile(message.line if field is None else field.line, "the statement names no account (:25:)")
    bare = account.removesuffix(code).rstrip(" /")
    if bare != account and bare[-1:].isdigit():
        account = bare
    return account.replace(" ", "") if iban.is_valid(account) else account


def _entries(message: Message, code: str, limits: Limits, note: Note) -> list[Entry]:
    entries = []
    for line, details in _with_details(message):
        try:
            _must_fit(line, details, limits)
            entries.append(read_entry(line, details, code))
        except BadFile as bad:
            note(bad)
    return entries


def _must_fit(line: Field, details: list[str], limits: Limits) -> None:
    if sum(map(len, [*line.lines, *details])) > limits.text_characters:
        raise BadFile(line.line, f"the text of the entry has more than {limits.text_characters} characters")


def _with_details(message: Message) -> list[tuple[Field, list[str]]]:
    """Each :61: with the lines of its :86:; one before the first entry or behind the balances is the statement's."""
    found: list[tuple[Field, list[str]]] = []
    last: list[str] | None = None
    for one in message.fields:
        if one.tag == "61":
            last = []
            found.append((one, last))
        elif one.tag == "86" and last is not None:
            last.extend(one.lines)
        elif one.tag != "NS":
            last = None
    return found


@lru_cache(maxsize=16)
def _shape(pattern: str) -> re.Pattern[str]:
    """A shape of the library's, without its leave to write small letters and the digits of other scripts."""
    return re.compile(pattern, re.VERBOSE | re.ASCII)


def _balance(field: Field) -> Balance:
    shape = _shape(tags.BalanceBase.pattern).fullmatch(field.only)
    if shape is None:
        raise BadFile(field.line, f"{field.only[:40]!r} is not a balance, such as C260302EUR400000,00")
    on = read_day(shape["year"] + shape["month"] + shape["day"], field.line)
    amount = read_comma_amount(shape["amount"], read_currency(shape["currency"], field.line), field.line)
    return Balance(field.tag, amount if shape["status"] == "C" else Minor(-amount), shape["currency"], on)


def _totals(message: Message) -> list[tuple[str, Mark | None, Total]]:
    found: list[tuple[str, Mark | None, Total]] = []
    for field in message.fields:
        if not field.tag.startswith("90"):
            continue
        shape = _shape(tags.SumEntries.pattern).fullmatch(field.only)
        if shape is None:
            raise BadFile(field.line, f"{field.only[:40]!r} is not a count and a sum, such as 2EUR400000,00")
        amount = read_comma_amount(shape["amount"], read_currency(shape["currency"], field.line), field.line)
        total = Total(field.line, int(shape["number"]) if shape["number"] else None, amount)
        found.append((shape["currency"], {"90C": Mark.CREDIT, "90D": Mark.DEBIT}.get(field.tag), total))
    return found


def _floors(message: Message) -> list[tuple[str, Minor]]:
    """The limits below which a bank does not list entries one by one."""
    found = []
    for field in message.fields:
        if not field.tag.startswith("34"):
            continue
        shape = _shape(tags.FloorLimitIndicator.pattern).fullmatch(field.only)
        if shape is None:
            raise BadFile(field.line, f"{field.only[:40]!r} is not a limit, such as EUR0,00")
        code = read_currency(shape["currency"], field.line)
        found.append((code, read_comma_amount(shape["amount"], code, field.line)))
    return found
