"""The scenarios: each a story that comes out right, whatever the faults in it, unless the product has the bug.

A scenario ends when it has done its worst and every fault is over; the judge waits for rest, and looks.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import httpx

from drawdown.localstack.waiting import finish, until
from shared.postgres import connect
from tests.faults.network.load import open_calls
from tests.faults.network.rules import Rule
from tests.faults.seeded import topics
from tests.faults.seeded.planning import plan
from tests.faults.seeded.stage import Found
from tests.faults.seeded.story import Story

PAYMENTS: Final = "drawdown-payments"  # as the service calls itself before PostgreSQL
RELAY: Final = "drawdown/payments"  # and its relay before the broker


def plain(story: Story) -> None:
    """No fault at all: a feed as banks send it, and the other things that happen every day."""
    story.stage.start()
    story.open()
    story.owe_at_the_date_line()
    story.stage.publish_all(story.feed(400))
    story.pay_before_issue()
    story.reverse_twice()
    story.stage.settle()
    story.look_at_the_date_line()


def planners(story: Story) -> None:
    """People plan reserves for the same funds, at once, late, together and ahead, while a bank sends."""
    story.stage.start()
    story.open(allocations=1, calls=2)
    story.stage.publish_all(story.feed(40))
    story.findings += plan(story.stage, story.seed, turns=2)


def stale_copies(story: Story) -> None:
    """Old events are published once more when all is over, as a relay does that was frozen and wakes up."""
    story.stage.start()
    story.open()
    records = story.feed(400)
    for start in range(0, len(records), 100):  # more than one version of each call
        story.stage.publish_all(records[start : start + 100])
        story.stage.settle()
    addresses = story.stage.addresses
    assert finish(topics.publish_first_copies(addresses.kafka, addresses.topic_prefix)) > 10


def lost_commits(story: Story) -> None:
    """Of all COMMITs four in ten never arrive, while a bank sends and people write."""
    story.stage.start()
    story.open()
    load = story.load(600, writes=24)
    rule = Rule("lose", "COMMIT", "drawdown-", chance=0.4)
    with load, story.stage.network.suffering("postgres", rule):
        until(lambda: not load.running, seconds=20)
    story.note_answers(load)


def killed_before_commit(story: Story) -> None:
    """Payments is killed after it has tried in vain to commit."""
    story.stage.start()
    story.open()
    with _lost(story, "postgres", Rule("lose", "COMMIT", PAYMENTS)):
        story.stage.publish_all(story.feed(300))
    story.stage.start("payments")


def killed_before_acknowledgement(story: Story) -> None:
    """Payments is killed after it has tried in vain to publish."""
    story.stage.start()
    story.open()
    with _lost(story, "kafka", Rule("lose", "produce", RELAY)):
        story.stage.publish_all(story.feed(300))
    story.stage.start("payments")


@contextlib.contextmanager
def _lost(story: Story, proxy: str, rule: Rule) -> Iterator[None]:
    """What the block causes is lost on its way, several times, and then payments is killed."""
    network, seen = story.stage.network, f"{rule.kind} {rule.message}"
    before = network.counts(proxy).get(seen, 0)
    with network.suffering(proxy, rule):
        yield
        assert until(lambda: network.counts(proxy).get(seen, 0) >= before + 4, seconds=30), network.counts(proxy)
        story.stage.kill("payments")


def held_commits(story: Story) -> None:
    """Half of the COMMITs of payments are on their way for a while, so later transactions overtake them."""
    story.stage.start()
    story.open()
    load = story.load(600, writes=60)
    with (
        load,
        story.stage.network.suffering("postgres", Rule("hold", "COMMIT", PAYMENTS, chance=0.5, milliseconds=250)),
    ):
        until(lambda: not load.running, seconds=40)
    story.note_answers(load)


def slow_statements(story: Story) -> None:
    """A statement in the middle of a batch takes too long and is cancelled, again and again."""
    story.stage.start()
    story.open()
    records = story.feed(400)
    for start in range(0, len(records), 80):
        finish(_cancelled_while(story, lambda at=start: story.stage.publish_all(records[at : at + 80])))  # type: ignore[misc]  # a default binds the loop's value
        time.sleep(0.3)


CANCEL: Final = """
select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'drawdown-payments'
   and wait_event_type = 'Lock'
"""


async def _cancelled_while(story: Story, send: Callable[[], None]) -> None:
    """What was sent meets a locked table, and its statement is cancelled there."""
    url = story.stage.addresses.admin_url
    locking, looking = await connect(url, application="tests"), await connect(url, application="tests")
    try:
        async with locking.transaction():
            await locking.execute("lock table payments.call in exclusive mode")
            send()
            deadline = time.monotonic() + 4
            while not await looking.fetch(CANCEL) and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
    finally:
        await locking.close()
        await looking.close()


def born_late(story: Story) -> None:
    """Payments is started for the first time when there is something to read already."""
    stage = story.stage
    stage.start("allocations", "metrics", "audit")
    stage.start("web", wait=False)  # which is ready only when everybody is
    assert until(lambda: _answers(stage.http), seconds=60)
    story.calls = open_calls(story.desk, allocations=2, calls=5)
    records = story.feed(300)
    stage.publish_all(records[:150])
    stage.start("payments")
    time.sleep(2)
    stage.publish_all(records[150:])


def _answers(http: httpx.Client) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return http.get("/livez").is_success
    return False


def zombie(story: Story) -> None:
    """A copy is frozen with a batch in its hands, another takes over and does it, and then the first one wakes up."""
    stage = story.stage
    stage.start()
    story.open()
    network = stage.network
    before = network.counts("postgres").get("hold BEGIN", 0)
    held = network.arm("postgres", Rule("hold", "BEGIN", PAYMENTS))
    stage.publish_all(story.feed(200))
    # The batch's transaction is held, and those of the ticks.
    assert until(lambda: network.counts("postgres").get("hold BEGIN", 0) > before, seconds=20)
    time.sleep(2)
    stage.kill("payments", signal.SIGSTOP)
    network.spend("postgres")
    stage.start("payments-twin")
    stage.settle()
    done = _positions(story)
    network.arm("postgres", Rule("hold", "BEGIN", PAYMENTS))  # its next batch waits: it dies after the one it holds
    network.arm("kafka", Rule("lose", "join_group", PAYMENTS))  # nor can it come back, which would make all look anew
    network.lift("postgres", held)
    stage.kill("payments", signal.SIGCONT)
    assert until(lambda: _positions(story) != done or "fenced: " in stage.log("payments"), seconds=30)
    stage.kill("payments")
    network.lift()


def _positions(story: Story) -> list[tuple[object, ...]]:
    return story.stage.ask("select topic, partition, next_offset from payments.position order by 1, 2")


def two_copies(story: Story) -> None:
    """Payments runs twice, and what it publishes is slow on its way, so that more than one batch waits for it."""
    stage = story.stage
    stage.start()
    stage.start("payments-twin")
    story.open()
    records = story.feed(400)
    with stage.network.suffering("kafka", Rule("hold", "produce", RELAY, milliseconds=500)):
        for start in range(0, len(records), 40):
            stage.publish_all(records[start : start + 40])
            time.sleep(0.15)
    stage.settle()


SCENARIOS: Final[Mapping[str, Callable[[Story], None]]] = {
    each.__name__: each
    for each in (
        *(plain, stale_copies, lost_commits, killed_before_commit, killed_before_acknowledgement, held_commits),
        *(slow_statements, born_late, zombie, two_copies, planners),
    )
}
PROXIED: Final = frozenset(
    {"lost_commits", "killed_before_commit", "killed_before_acknowledgement", "held_commits", "zombie", "two_copies"}
)


def play(story: Story, scenario: str) -> tuple[list[Found], str]:
    """Plays it and judges what came of it: what is broken, and what kept the play from going through to its end.

    What a bug does to the play is no proof. Without one nothing may do so, or the play proves nothing.
    """
    trouble = ""
    try:
        SCENARIOS[scenario](story)
        assert story.history, "nothing was sent"
    except (TimeoutError, AssertionError) as error:
        trouble = f"{type(error).__name__}: {str(error)[:300]}"
    addresses = story.stage.addresses
    judged = story.stage.judge(story.history)
    disorder = finish(topics.disorder(addresses.kafka, addresses.topic_prefix))
    return [*judged, *story.findings, *(Found("order", says) for says in disorder)], trouble
