"""Promises of ids."""

from shared.ids import new_event_id


def test_event_ids_are_unique_and_ordered_by_time() -> None:
    """Version 7: no two alike, and later ones sort behind earlier ones, so indexes grow at one end."""
    ids = [new_event_id() for _ in range(5_000)]
    assert len(set(ids)) == len(ids)
    assert {(i.version, i.variant) for i in ids} == {(7, "specified in RFC 4122")}
    milliseconds = [i.int >> 80 for i in ids]
    assert milliseconds == sorted(milliseconds)
