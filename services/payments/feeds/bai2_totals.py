"""The control totals and counts of a BAI2 file: all of its trailers must be right, or nothing of it is taken."""

from collections.abc import Iterator

from services.payments.feeds.bai2_content import Totals, totals
from services.payments.feeds.bai2_records import Account, File, Group
from services.payments.feeds.model import BadFile


def account_total(account: Account, amounts: int) -> Iterator[BadFile]:
    """What is wrong with an account's trailer, where its amounts sum to `amounts`, signs as written."""
    stated = totals(account.trailer, parts=False)
    yield from _compare("account", stated, amounts, None, account.rows)


def group_total(group: Group) -> Iterator[BadFile]:
    """What is wrong with a group's trailer, if the accounts' are right."""
    stated = totals(group.trailer, parts=True)
    reached = sum(totals(account.trailer, parts=False).total for account in group.accounts)
    yield from _compare("group", stated, reached, len(group.accounts), group.rows)


def file_total(file: File) -> Iterator[BadFile]:
    """What is wrong with the file's trailer, if the groups' are right."""
    stated = totals(file.trailer, parts=True)
    reached = sum(totals(group.trailer, parts=True).total for group in file.groups)
    yield from _compare("file", stated, reached, len(file.groups), file.rows)


def _compare(of: str, stated: Totals, total: int, parts: int | None, records: int) -> Iterator[BadFile]:
    if stated.total != total:
        yield BadFile(stated.line, f"the {of} trailer states a control total of {stated.total}; it is {total}")
    if stated.parts is not None and stated.parts != parts:
        kind = "accounts" if of == "group" else "groups"
        yield BadFile(stated.line, f"the {of} trailer counts {stated.parts} {kind}; there are {parts}")
    if stated.records != records:
        yield BadFile(stated.line, f"the {of} trailer counts {stated.records} records; there are {records}")
