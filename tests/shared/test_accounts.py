"""Promises of account numbers: recognised however they are written, and never kept."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from shared.accounts import cut

KEY = b"a key"


def test_every_way_to_write_an_account_is_the_same_account() -> None:
    """Spaces and case do not make another one of it."""
    one, other = cut("DE89 3704 0044 0532 0130 00", KEY), cut("de89370400440532013000", KEY)
    assert one == other
    assert one is not None
    assert one.last4 == "3000"


@given(st.text(min_size=1))
def test_what_is_cut_stays_cut(account: str) -> None:
    """A file's upload cuts before it publishes; whoever reads it cuts again, and nothing changes."""
    once = cut(account, KEY)
    assert (once is None) == (not account.split())
    assert once is None or cut(str(once), KEY) == once


@given(st.text(min_size=1, max_size=40), st.binary(min_size=1, max_size=100))
def test_the_hash_is_the_hmac_of_the_account(account: str, key: bytes) -> None:
    """HMAC-SHA-256, of capitals without spaces: what was stored years ago is found again."""
    once = cut(f"DE{account}", key)
    plain = "".join(f"DE{account}".split()).upper()
    assert once is not None
    assert once.digest == hmac.digest(key, plain.encode(), "sha256")


def test_a_short_account_shows_nothing() -> None:
    """Four characters of six would be the account."""
    short = cut("123456", KEY)
    assert short is not None
    assert short.last4 is None


def test_without_a_key_there_is_no_hash() -> None:
    """A hash without a key could be undone by trying all accounts."""
    bare = cut("DE89370400440532013000", b"")
    assert str(bare) == "/3000"
    assert cut(None, KEY) is None
