"""Account numbers: cut to what recognises and shows one before anything is stored or passed on."""

import hmac
import re
from functools import lru_cache
from typing import Final

from shared.value import value

_SHOWN_CHARACTERS: Final = 4
_SHORTEST_SHOWN: Final = 8  # of a shorter one, the last four would be most of it
_CUT_ALREADY: Final = re.compile(r"([0-9a-f]{64})?/(.{4})?", re.DOTALL)


@value
class CutAccount:
    """What is kept of an account number: a keyed hash (where there is a key) and the last four characters."""

    digest: bytes | None
    last4: str | None

    def __str__(self) -> str:
        return f"{self.digest.hex() if self.digest else ''}/{self.last4 or ''}"


def cut(account: str | None, key: bytes) -> CutAccount | None:
    """An account as it may be kept; None where there is none.

    Spaces and case do not count, so every way to write an account is recognised. What was cut before stays as it is:
    an entry from a file and the same entry from a live feed name the same account.
    """
    plain = "".join((account or "").split()).upper()
    if not plain:
        return None
    if "/" in plain and (before := _CUT_ALREADY.fullmatch(account or "")):
        return CutAccount(bytes.fromhex(before[1]) if before[1] else None, before[2])
    digest = _keyed_hash(plain.encode("utf-8", "replace"), key) if key else None
    return CutAccount(digest, plain[-_SHOWN_CHARACTERS:] if len(plain) >= _SHORTEST_SHOWN else None)


def _keyed_hash(plain: bytes, key: bytes) -> bytes:
    keyed = _keyed(key).copy()
    keyed.update(plain)
    return keyed.digest()


@lru_cache(maxsize=8)  # a process has one key; to begin with it costs more than to hash an account
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")
