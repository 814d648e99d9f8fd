"""Values: small objects that stay as they were made, cheap enough to be made by the million."""

from dataclasses import dataclass
from typing import Final, TypeVar, dataclass_transform

T = TypeVar("T")

new_tuple: Final = tuple.__new__  # what a NamedTuple's constructor calls, without a call in between


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """A slotted dataclass that the type checker holds to be frozen.

    At run time nothing guards it: a dataclass that guards itself sets its fields one by one through `object`, and takes
    six times as long to make.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
