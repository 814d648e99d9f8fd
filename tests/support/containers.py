"""The official images, where a container engine answers and was asked for."""

import contextlib
from collections.abc import Iterator

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

from drawdown.localstack.ports import free


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Nobody keeps these data, so nobody waits for the disk."""
    server = PostgresContainer("postgres:18", username="postgres", password="postgres", dbname="postgres", driver=None)
    with server.with_command("postgres -c fsync=off -c jit=off -c max_connections=200") as running:
        yield str(running.get_connection_url())


@contextlib.contextmanager
def kafka() -> Iterator[str]:
    """A broker tells its clients where it is, so its port outside must be known before it starts."""
    port = free()
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    container = DockerContainer("apache/kafka:4.1.0").with_bind_ports(port, port)
    for name, value in settings.items():
        container.with_env(name, value)
    with container as running:
        wait_for_logs(running, "Kafka Server started", timeout=120)
        yield f"127.0.0.1:{port}"
