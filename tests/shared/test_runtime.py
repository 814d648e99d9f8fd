"""Promises of a running service: all its parts live, or none."""

import os
import subprocess
import sys

from tests.support.servers import Servers, on_database


def test_a_service_whose_background_ended_ends_too(servers: Servers) -> None:
    """Else it would answer for ever while nothing is read or published; ended, it is started again and says why."""
    env = {
        **os.environ,
        "DRAWDOWN_DATABASE_URL": on_database(servers.postgres_url, "no_such_database"),
        "DRAWDOWN_KAFKA": servers.kafka,
    }
    command = [sys.executable, "-m", "services.metrics"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 1
    assert 'database "no_such_database" does not exist' in ended.stdout + ended.stderr
