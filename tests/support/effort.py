"""How hard property tests try: little, and alike in each run, unless HYPOTHESIS_PROFILE=thorough asks for more.

A thorough run takes many times as long, and new examples each time: `HYPOTHESIS_PROFILE=thorough pytest --timeout 0 …`.
"""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
TIMES_MORE: Final = 20  # as many examples, and new ones in each run


def effort(examples: int, *, steps: int = 50, times_more: int = TIMES_MORE) -> settings:
    """Settings of a property test that usually tries so many examples, each of so many steps where it is a machine."""
    return settings(
        max_examples=examples * times_more if THOROUGH else examples,
        stateful_step_count=steps,
        derandomize=not THOROUGH,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
