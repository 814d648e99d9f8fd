"""Promises to whoever sends an archive: it is opened with care, and taken whole or refused whole."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.feeds import BankFile, InMemory, Limits, NotTaken, container, read
from services.payments.feeds.model import BadFile
from services.payments.feeds.raw import whole
from tests.corpus.files_container import CASES, GOOD, PACKED, SIZE_LIMIT, Case, Refused, zipped

LIMITS = Limits(size_bytes=SIZE_LIMIT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_archive_comes_to_its_verdict(case: Case) -> None:
    """What is refused names the file inside; what is taken has the statements of all of them."""
    found = read(case.data, LIMITS)
    if isinstance(case.verdict, Refused):
        assert isinstance(found, NotTaken), found
        first = found.problems[0]
        assert first.where.startswith(case.verdict.where)
        assert case.verdict.what in first.what
        return
    assert isinstance(found, BankFile), found
    assert (found.format, tuple(one.id for one in found.statements)) == case.verdict


def test_names_are_names() -> None:
    """Each case can be named without a doubt, and there are as many as were promised."""
    assert len({case.name for case in CASES}) == len(CASES) >= 20


@pytest.mark.parametrize("good", [GOOD, PACKED], ids=["zip", "gzip"])
def test_damage_never_raises(good: bytes) -> None:
    """Whatever bytes of an archive become, it is taken or refused in words."""
    chance = random.Random(20260302)
    for _ in range(300):
        spoilt = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        cut = bytes(spoilt[: chance.choice([len(spoilt), chance.randrange(1, len(spoilt))])])
        if container.claims(cut):
            found = read(cut, LIMITS)
            assert isinstance(found, BankFile) or found.problems


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}\.[a-z]{3}", fullmatch=True), st.binary(max_size=2_000), min_size=1))
def test_what_was_packed_comes_out(files: dict[str, bytes]) -> None:
    """Every byte of every file, in the order of the archive, as often as one reads it."""
    try:
        found = container.unpack(InMemory(zipped(*files.items())), Limits())
    except BadFile as bad:
        assert "archive itself" in bad.what or "may be a trap" in bad.what  # noqa: PT017 - chance may make such bytes
        return
    assert [name for name, _ in found] == list(files)
    for _ in range(2):
        assert [whole(member) for _, member in found] == list(files.values())
    assert [member.size_bytes for _, member in found] == [len(data) for data in files.values()]
