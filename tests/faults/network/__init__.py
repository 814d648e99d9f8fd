"""A network that misbehaves on demand: proxies of ours before PostgreSQL and before the broker, in a process of their
own, so that they outlive whatever is killed on either side of them.

They follow the protocols, so a fault can be aimed: at the answer of a COMMIT, at the acknowledgement of a produce.
"""

from tests.faults.network.control import Network
from tests.faults.network.rules import Rule

__all__ = ["Network", "Rule"]
