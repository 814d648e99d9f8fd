"""Templates, and proposals that follow a formula. Nothing of it moves a reserve."""

from collections.abc import Callable
from datetime import datetime

from services.allocations.reallocation import domain, store
from services.allocations.reallocation.domain import Book, Suggested, Template
from services.allocations.reallocation.handlers.committing import book_of
from services.allocations.reallocation.store import SavedTemplate
from shared.ids import DealId, FundId
from shared.money import Minor
from shared.postgres import Connection
from shared.refusal import Refused


async def save_template(
    db: Connection, fund_id: FundId, template: Template, *, actor: str, now: datetime
) -> SavedTemplate | Refused:
    """Keeps a template as the next version of its name; the newest version's own content changes nothing."""
    book = await book_of(db, fund_id)
    if isinstance(book, Refused):
        return book
    if refused := domain.unfit(template, book):
        return refused
    newest = await store.find_template(db, fund_id, template.name)
    if newest is not None and newest.template == template:
        return newest
    saved = SavedTemplate(fund_id, template, newest.version + 1 if newest else 1, actor, now)
    await store.add_template(db, saved)
    return saved


async def apply_template(db: Connection, fund_id: FundId, name: str) -> Suggested | Refused:
    """The proposal that the newest version of a template makes of today's reserves."""
    book = await book_of(db, fund_id)
    if isinstance(book, Refused):
        return book
    saved = await store.find_template(db, fund_id, name)
    if saved is None:
        return Refused(
            "template_not_found", f"Fund {fund_id} has no template {name!r}.", "See the list of its templates."
        )
    return domain.applied(saved.template, book)


Formula = Callable[[Book, dict[DealId, Minor]], Suggested | Refused]


async def suggest(db: Connection, fund_id: FundId, formula: Formula) -> Suggested | Refused:
    """The proposal of a formula, which is given the reserves and what is promised to each company and not paid yet."""
    book = await book_of(db, fund_id)
    return book if isinstance(book, Refused) else formula(book, await store.unfunded_of(db, fund_id))
