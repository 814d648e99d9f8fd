"""`drawdown lag`: how far each service is behind each partition it reads, and whether it moves."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from drawdown import exits, options
from drawdown.addresses import SERVICES, Addresses, NotRunning, look_up
from drawdown.stack import to_stderr

# Services mirror their offsets to Kafka every second or two; over a longer span a living one is seen to move.
_SPAN_SECONDS: Final = 3

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a group stands in a partition. `committed` is None before its first offset, `owner` while nobody reads."""

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    owner: str | None

    @property
    def key(self) -> Key:
        return self.group, self.topic, self.partition

    @property
    def lag(self) -> int:
        """Records not read yet; a group without an offset begins at the first."""
        return self.end - (self.committed or 0)


def state(now: Standing, before: Standing | None) -> str:
    """`caught up`, `moving`, `standing` (behind, and not moving between the two samples) or `nobody reads`."""
    if now.owner is None:
        return "nobody reads"
    if now.lag <= 0:
        return "caught up"
    if before is not None and (now.committed or 0) > (before.committed or 0):
        return "moving"
    return "standing" if before is not None else "behind"


def lag(
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every partition, also those that are caught up.")] = False,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
) -> None:
    """Show how many records each service has still to read, by topic and partition, and whether it moves."""
    try:
        asyncio.run(_lag(look_up(data), watch=watch, every=every, as_json=as_json))
    except NotRunning as nothing:
        to_stderr(escape(str(nothing)))
        raise typer.Exit(exits.NOT_RUNNING) from None
    except (KafkaError, OSError) as error:
        to_stderr(f"Kafka cannot be asked: {escape(str(error))}")
        raise typer.Exit(exits.FAILED) from None
    except KeyboardInterrupt:
        return


async def _lag(found: Addresses, *, watch: bool, every: bool, as_json: bool) -> None:
    before: Sequence[Standing] = ()
    now = await sample(found)
    if any(standing.lag > 0 for standing in now):
        await asyncio.sleep(_SPAN_SECONDS)
        before, now = now, await sample(found)
    if as_json:
        typer.echo(json.dumps(_document(now, before), indent=2))
        return
    console = Console()
    if not watch:
        console.print(picture(now, before, every=every))
        return
    with Live(picture(now, before, every=every), console=console, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(_SPAN_SECONDS)
            before, now = now, await sample(found)
            live.update(picture(now, before, every=every), refresh=True)


async def sample(found: Addresses) -> list[Standing]:
    """Where every group of this stack stands now, in order of group, topic and partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=found.kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=found.kafka, group_id=None, enable_auto_commit=False)
    await admin.start()
    try:
        await consumer.start()
        groups = [f"{found.topic_prefix}drawdown.{service}" for service in SERVICES]
        owners = await _owners(admin, groups)
        committed = {group: await admin.list_consumer_group_offsets(group) for group in groups}
        partitions = {(group, at) for group in groups for at in {*committed[group], *owners[group]}}
        ends = await consumer.end_offsets(list({at for _, at in partitions}))
    finally:
        await consumer.stop()
        await admin.close()
    cut = len(found.topic_prefix)
    standings = [
        Standing(
            group=group[cut:],
            topic=at.topic[cut:],
            partition=at.partition,
            committed=committed[group][at].offset if at in committed[group] else None,
            end=ends[at],
            owner=owners[group].get(at),
        )
        for group, at in partitions
    ]
    return sorted(standings, key=lambda standing: standing.key)


async def _owners(admin: AIOKafkaAdminClient, groups: Sequence[str]) -> Mapping[str, Mapping[TopicPartition, str]]:
    """Which client reads which partition, by group; a group that nobody ever joined has none."""
    owners: dict[str, dict[TopicPartition, str]] = {group: {} for group in groups}
    for group in groups:  # one at a time: aiokafka 0.14 cannot read an answer about several
        [answer] = await admin.describe_consumer_groups([group])
        [(_error, _group, _state, _kind, _protocol, members)] = answer.groups
        for _member, client, host, _metadata, assigned in members:
            if assigned:
                for topic, partitions in ConsumerProtocolMemberAssignment.decode(assigned).assignment:
                    owners[group] |= {TopicPartition(topic, number): f"{client}{host}" for number in partitions}
    return owners


# --- how it is shown -------------------------------------------------------------------------------------------------


def _document(now: Sequence[Standing], before: Sequence[Standing]) -> dict[str, Any]:
    earlier = {standing.key: standing for standing in before}
    return {
        "lag": sum(standing.lag for standing in now),
        "partitions": [
            {**asdict(standing), "lag": standing.lag, "state": state(standing, earlier.get(standing.key))}
            for standing in now
        ],
    }


_STYLES: Final = {"caught up": "green", "moving": "yellow", "behind": "yellow"}


def picture(now: Sequence[Standing], before: Sequence[Standing], *, every: bool) -> Group:
    """One line per service and topic that holds anything, and one for each partition that is behind or unread."""
    earlier = {standing.key: standing for standing in before}
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 0, 0, 1))
    for heading in ("service", "topic", "part", "read", "end", "lag", ""):
        numeric = heading in {"part", "read", "end", "lag"}
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=True)
    topics: dict[tuple[str, str], list[Standing]] = {}
    for standing in now:
        topics.setdefault((standing.group, standing.topic), []).append(standing)
    shown_group = ""
    for (group, topic), standings in topics.items():
        states = {standing.key: state(standing, earlier.get(standing.key)) for standing in standings}
        quiet = [s for s in standings if states[s.key] == "caught up" and not every]
        loud = [s for s in standings if s not in quiet]
        if not loud and not any(standing.end for standing in quiet):
            continue
        name, shown_group = ("" if group == shown_group else group.removeprefix("drawdown.")), group
        if quiet:
            read = sum(standing.end for standing in quiet)
            where = "all" if not loud else f"{len(quiet)} others"
            table.add_row(name, topic, where, f"{read:,}", f"{read:,}", "0", Text("caught up", "green"))
        for number, standing in enumerate(loud):
            first = number == 0 and not quiet
            read_to = "never" if standing.committed is None else f"{standing.committed:,}"
            table.add_row(
                name if first else "",
                topic if first else "",
                str(standing.partition),
                read_to,
                f"{standing.end:,}",
                f"{standing.lag:,}",
                Text(states[standing.key], _STYLES.get(states[standing.key], "red")),
            )
    return Group(table, Text(f"\n{_sentence(now)}"))


def _sentence(now: Sequence[Standing]) -> str:
    if not now:
        return "No group has read anything yet: is the stack up? See `drawdown status`."
    behind = sum(standing.lag for standing in now)
    orphans = sum(standing.owner is None for standing in now)
    said = f"{behind:,} records are still to be read" if behind else "Everything is read"
    return f"{said}; nobody reads {orphans} of the partitions." if orphans else f"{said}."
