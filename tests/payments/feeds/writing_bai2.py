"""Writes BAI2 files of our own making, with control totals and counts of records that are added up here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Transaction:
    """A record 16; `funds` is the funds type with what belongs to it, such as ``V,260304,``."""

    code: str
    amount: str
    funds: str = "0"
    bank_reference: str = ""
    customer_reference: str = ""
    text: str = ""


@dataclass(frozen=True)
class Account:
    """A record 03 with its transactions; `summaries` are pairs of code and amount."""

    number: str = "77001234"
    currency: str = ""
    summaries: Sequence[tuple[str, str]] = ()
    transactions: Sequence[Transaction] = ()


@dataclass(frozen=True)
class Group:
    accounts: Sequence[Account]
    as_of: date = date(2026, 3, 2)
    status: str = "1"
    time: str = "2400"
    currency: str = "USD"
    modifier: str = "2"


def file(*groups: Group, width: int = 0, line_end: str = "\n", pad: int = 0) -> bytes:
    """A whole file. `width` is where texts go on in the next record, `pad` the length that each is filled up to."""
    lines, total = ["01,BANK,FUND,260303,0700,1,,,2/"], 0
    for group in groups:
        group_lines, group_sum = _group(group, width)
        lines += group_lines
        total += group_sum
    lines.append(f"99,{total},{len(groups)},{len(lines) + 1}/")
    return "".join(line.ljust(pad) + line_end for line in lines).encode()


def report(*transactions: Transaction, opening: str = "", closing: str = "", modifier: str = "2") -> bytes:
    """A file of one account in dollars."""
    summaries = [(code, amount) for code, amount in (("010", opening), ("015", closing)) if amount]
    return file(Group([Account(summaries=summaries, transactions=transactions)], modifier=modifier))


def _group(group: Group, width: int) -> tuple[list[str], int]:
    day = f"{group.as_of:%y%m%d}"
    lines = [f"02,FUND,BANK,{group.status},{day},{group.time},{group.currency},{group.modifier}/"]
    total = 0
    for account in group.accounts:
        account_lines = list(_account(account, width))
        amounts = [amount for _, amount in account.summaries] + [one.amount for one in account.transactions]
        account_sum = sum(int(amount or "0") for amount in amounts)
        lines += [*account_lines, f"49,{account_sum},{len(account_lines) + 1}/"]
        total += account_sum
    lines.append(f"98,{total},{len(group.accounts)},{len(lines) + 1}/")
    return lines, total


def _account(account: Account, width: int) -> Iterable[str]:
    first, *rest = account.summaries or [("", "")]
    yield f"03,{account.number},{account.currency},{first[0]},{first[1]},,/"
    for code, amount in rest:
        yield f"88,{code},{amount},,/"
    for one in account.transactions:
        head = f"16,{one.code},{one.amount},{one.funds},{one.bank_reference},{one.customer_reference},"
        pieces = list(_pieces(one.text, width))
        if not pieces:
            yield head + "/"
            continue
        yield head + pieces[0]
        for piece in pieces[1:]:
            yield f"88,{piece}"


def _pieces(text: str, width: int) -> Iterable[str]:
    """The text in pieces of whole words, of at least so many characters each."""
    piece = ""
    for word in text.split():
        piece = f"{piece} {word}".strip()
        if width and len(piece) >= width:
            yield piece
            piece = ""
    if piece:
        yield piece
