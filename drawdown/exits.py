"""Exit codes of every command: stable, for scripts depend on them."""

from typing import Final

OK: Final = 0
FAILED: Final = 1  # the command could not do its work; stderr says why
USAGE: Final = 2  # wrong arguments, or an input that is refused
IN_USE: Final = 3  # `up`: somebody else runs this data directory already
NOT_RUNNING: Final = 4  # nothing runs from this data directory
NOT_READY: Final = 5  # `status`: it runs, but not every part is ready
