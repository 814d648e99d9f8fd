"""Saved templates; nothing is ever changed, a change is a new version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from services.allocations.reallocation.domain import Basis, Share, Template
from shared.ids import FundId
from shared.postgres import Connection, Record


@dataclass(frozen=True, slots=True)
class SavedTemplate:
    """One version of a fund's template, and who saved it."""

    fund_id: FundId
    template: Template
    version: int
    created_by: str
    created_at: datetime


ADD_TEMPLATE: Final = """
insert into allocations.reallocation_template (fund_id, name, version, basis, shares, created_by, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def add_template(db: Connection, saved: SavedTemplate) -> None:
    """Adds a version; one that was taken meanwhile is the database's refusal."""
    shares = orjson.dumps([[share.company_id, share.weight] for share in saved.template.shares]).decode()
    template = saved.template
    rest = (saved.created_by, saved.created_at)
    await db.execute(ADD_TEMPLATE, saved.fund_id, template.name, saved.version, template.basis, shares, *rest)


FIND_TEMPLATE: Final = """
select fund_id, name, version, basis, shares::text as shares, created_by, created_at
  from allocations.reallocation_template
 where fund_id = $1 and name = $2
 order by version desc
 limit 1
"""


async def find_template(db: Connection, fund_id: FundId, name: str) -> SavedTemplate | None:
    """The newest version of a template."""
    row = await db.fetchrow(FIND_TEMPLATE, fund_id, name)
    return None if row is None else _saved(row)


LIST_TEMPLATES: Final = """
select distinct on (name) fund_id, name, version, basis, shares::text as shares, created_by, created_at
  from allocations.reallocation_template
 where fund_id = $1 and name > $2
 order by name, version desc
 limit $3
"""


async def list_templates(db: Connection, fund_id: FundId, *, after: str, limit: int) -> list[SavedTemplate]:
    """The newest version of each template of a fund, by name."""
    return [_saved(row) for row in await db.fetch(LIST_TEMPLATES, fund_id, after, limit)]


def _saved(row: Record) -> SavedTemplate:
    shares = [Share(company, weight) for company, weight in orjson.loads(row["shares"])]
    template = Template(row["name"], Basis(row["basis"]), shares)
    return SavedTemplate(row["fund_id"], template, row["version"], row["created_by"], row["created_at"])
