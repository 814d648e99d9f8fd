"""Apache Kafka as one process, broker and controller at once (KRaft), on loopback."""

import base64
import os
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drawdown.localstack import jars, java, ports
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Program

_JVM: Final = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # the second compiler takes half of the broker's time for minutes, on a few shared cores
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)
_LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dorg.slf4j.simpleLogger.showShortLogName=true",
)

_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # Topics are made by us, with their settings, and keep their records for ever.
    "auto.create.topics.enable": "false",
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    "offsets.retention.minutes": str(365 * 24 * 60),
    # One node: nothing to replicate, nobody else to wait for.
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
}


class CannotRunKafka(RuntimeError):
    """Why it cannot run here, and where to read more."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """One broker: what to run, and its address."""

    program: Program
    bootstrap: str


def prepare(directory: Directory) -> Kafka:
    """The broker of this directory, downloaded and formatted where that was not done yet; nothing runs yet."""
    home = directory.path / "kafka"
    command = [java.find(directory), *_JVM, *_LOGGING, "-cp", ":".join(map(str, jars.fetch(directory)))]
    port, controller = ports.remembered(directory, "kafka"), ports.remembered(directory, "kafka-controller")
    _write_settings(home, port, controller)
    if not (home / "data" / "meta.properties").exists():
        _format(command, home)
    program = Program(
        name="kafka",
        argv=[*command, "kafka.Kafka", str(home / "server.properties")],
        env=_environment(),
        log=directory.log("kafka"),
        role="server",
        patience_seconds=45,
    )
    return Kafka(program, f"{ports.LOOPBACK}:{port}")


def _write_settings(home: Path, port: int, controller: int) -> None:
    listeners = {
        "listeners": f"PLAINTEXT://{ports.LOOPBACK}:{port},CONTROLLER://{ports.LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{ports.LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{ports.LOOPBACK}:{controller}",
        "log.dirs": str(home / "data").replace("\\", "\\\\"),
    }
    lines = [f"{name}={value}" for name, value in {**_SETTINGS, **listeners}.items()]
    (home / "server.properties").write_text("\n".join(lines) + "\n")


def _format(command: Sequence[str], home: Path) -> None:
    # Kafka's own form of a UUID, which may not begin with a dash.
    cluster = base64.urlsafe_b64encode(b"\x10" + secrets.token_bytes(15)).decode().rstrip("=")
    arguments = ("format", "--ignore-formatted", "-t", cluster, "-c", str(home / "server.properties"))
    done = subprocess.run(
        [*command, "kafka.tools.StorageTool", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=_environment(),
    )
    if done.returncode:
        raise CannotRunKafka(f"the storage tool failed: {(done.stderr or done.stdout).strip()}")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "DRAWDOWN_"))}
