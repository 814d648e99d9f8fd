"""MT940, the day's statement of SWIFT, and MT942, its report during the day, as banks of many countries write them.

The library `mt-940` gives the fields, the codes and the shapes of balances and sums. Entries are taken apart here: it
would read 100.00 as 100, move 30 February, take money out for money in, and pass over fields that it does not know.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from services.payments.feeds.identity import identify, name_originals
from services.payments.feeds.model import BadFile, BankFile, Entry, Limits, NotTaken, Problem, Statement, WhyNot
from services.payments.feeds.mt940_lines import begins_so, messages_of, text_of
from services.payments.feeds.mt940_pages import Page, Total, read_page
from services.payments.feeds.raw import Raw, whole
from shared import currency
from shared.money import Minor


def claims(head: bytes) -> bool:
    """Whether a file begins as SWIFT's statements do: with an envelope, or with fields, perhaps after lines of the
    bank's own."""
    return begins_so(head.decode("latin-1").removeprefix("\xef\xbb\xbf"))


def read(raw: Raw, limits: Limits) -> BankFile | NotTaken:
    """The statements of a file, or every reason why it is not taken (up to a limit)."""
    problems: list[Problem] = []
    pages: list[Page] = []

    def note(bad: BadFile) -> None:
        if len(problems) >= limits.problems:
            raise _Enough
        problems.append(bad.problem)

    said = None
    try:
        text, said = text_of(whole(raw))
        messages = messages_of(text)
        _cap(sum(one.tag == "61" for message in messages for one in message.fields), limits)
        pages = [page for message in messages if (page := read_page(message, limits, note))]
    except BadFile as bad:
        problems.append(bad.problem)
    except _Enough:
        pass
    form = "mt942" if pages and all(page.interim for page in pages) else "mt940"
    if problems:
        return NotTaken(form, tuple(problems))
    statements = [_statement(those, said) for those in _joined(pages)]
    return BankFile(form, tuple(name_originals(identify(statements))))


class _Enough(Exception):
    """As many problems are noted as a person wants to see at once."""


def _cap(count: int, limits: Limits) -> None:
    if count > limits.entries:
        raise BadFile(1, f"the file has more than {limits.entries} entries: send it in parts")


def _joined(pages: Iterable[Page]) -> list[list[Page]]:
    """The pages of each statement: those of one number that an intermediate balance (:60M:, :62M:) holds together."""
    statements: list[list[Page]] = []
    for page in pages:
        if statements and _goes_on(statements[-1][-1], page):
            statements[-1].append(page)
        else:
            statements.append([page])
    return statements


def _goes_on(last: Page, page: Page) -> bool:
    if (last.account, last.currency, last.id) != (page.account, page.currency, page.id) or page.interim:
        return False
    if last.number is not None and page.number is not None and page.number <= last.number:
        return False  # the same page once more
    return _is_code(last, "62M") or _is_code(page, "60M")


def _is_code(page: Page, code: str) -> bool:
    return any(balance.code == code for balance in (page.opening, page.closing) if balance)


def _statement(pages: Sequence[Page], said: str | None) -> Statement:
    first, last = pages[0], pages[-1]
    entries = [entry for page in pages for entry in page.entries]
    statement = Statement(
        id=_id(first),
        account=first.account,
        currency=first.currency,
        opening=first.opening.amount if first.opening and not first.interim else None,
        closing=last.closing.amount if last.closing and not last.interim else None,
        balances=tuple(balance for page in pages for balance in page.balances),
        entries=tuple(_preliminary(entry) for entry in entries) if first.interim else tuple(entries),
        problems=(),
        line=first.line,
        page=(first.number or 1) if _is_code(first, "60M") else 1,
    )
    told = [said, *_about_proof(statement), *_about_pages(pages), *_about_totals(pages), *_about_entries(first, pages)]
    where = f"line {statement.line}, statement {statement.id}"
    return replace(statement, problems=tuple(Problem(where, what) for what in told if what))


def _id(first: Page) -> str:
    """The statement's number. Banks that count days where SWIFT counts pages have one number for many statements."""
    counted = first.number is not None and first.number > 1 and not _is_code(first, "60M")
    return f"{first.id}/{first.number}" if counted else first.id


def _preliminary(entry: Entry) -> Entry:
    """An entry of a report during the day. One without a reference of its bank would not be known again when the day's
    statement shows it, perhaps in other words; so it is only shown, and that statement posts it."""
    if entry.bank_reference is not None or not entry.posted:
        return entry
    return replace(entry, posted=False, why_not=WhyNot.PENDING)


def _about_proof(statement: Statement) -> Iterable[str]:
    if statement.proven is False and statement.opening is not None and statement.closing is not None:
        code = statement.currency
        reached, closing = _text(statement.opening + statement.booked, code), _text(statement.closing, code)
        yield f"opening balance and booked entries come to {reached}, but the closing balance is {closing}"


def _about_pages(pages: Sequence[Page]) -> Iterable[str]:
    """What is wrong with the chain of a statement's pages."""
    first, last = pages[0], pages[-1]
    if _is_code(first, "60M"):
        yield "it begins with an intermediate balance (:60M:): the pages before are not in this file"
    for before, page in pairwise(pages):
        earlier, later = _name(before), _name(page)
        if before.number is not None and page.number is not None and page.number != before.number + 1:
            yield f"between {earlier} and {later} there are pages missing"
        if before.closing and page.opening and before.closing.amount != page.opening.amount:
            ended, begins = (_text(one.amount, page.currency) for one in (before.closing, page.opening))
            yield f"{earlier} ends with {ended}, but {later} begins with {begins}"
    for page in pages if len(pages) > 1 else ():
        if page.opening and page.closing and page.opening.amount + _booked(page) != page.closing.amount:
            reached = _text(page.opening.amount + _booked(page), page.currency)
            yield f"{_name(page)} comes to {reached}, but ends with {_text(page.closing.amount, page.currency)}"
    if last.closing and last.closing.code == "62M":
        yield "it ends with an intermediate balance (:62M:): the pages behind are not in this file"
    incomplete = _is_code(first, "60M") or bool(last.closing and last.closing.code == "62M")
    if incomplete and any(e.posted and e.bank_reference is None for page in pages for e in page.entries):
        yield (
            "it is one page of several, with entries that have no bank reference: upload all pages in one file, "
            "or equal entries on two pages are taken for one"
        )


def _about_totals(pages: Sequence[Page]) -> Iterable[str]:
    """Where the bank's own count and sum of credits or debits is not that of the entries, expected ones in or out."""
    for page in pages:
        for mark, total in page.totals.items():
            those = [entry for entry in page.entries if entry.mark is mark]
            if not any(_adds_up(total, some) for some in (those, [entry for entry in those if entry.booked])):
                count, amount = len(those), _text(sum(entry.amount for entry in those), page.currency)
                yield (
                    f"the bank counts {'' if total.count is None else f'{total.count} '}{mark}s of "
                    f"{_text(total.amount, page.currency)} (line {total.line}), but {count} of {amount} are listed"
                )


def _adds_up(total: Total, entries: Sequence[Entry]) -> bool:
    return total.count in {None, len(entries)} and total.amount == sum(entry.amount for entry in entries)


def _about_entries(first: Page, pages: Sequence[Page]) -> Iterable[str]:
    code = first.currency
    if floor := max(page.floor for page in pages):
        yield f"the bank lists no entries below {_text(floor, code)} in it"
    if others := sorted({letter for page in pages for letter in page.funds} - {code[2]}):
        yield f"it has entries with the currency letter {', '.join(others)}, which is not that of {code}"
    if first.interim and any(_preliminary(entry) is not entry for page in pages for entry in page.entries):
        yield "entries without a bank reference are only shown: the day's statement posts them"


def _booked(page: Page) -> int:
    return sum(entry.signed for entry in page.entries if entry.booked)


def _name(page: Page) -> str:
    return f"the page of line {page.line}" if page.number is None else f"page {page.number}"


def _text(amount: int | Minor, code: str) -> str:
    return f"{currency.text(amount, code)} {code}"
