"""What a process is told when it starts, by environment variables that begin with ``DRAWDOWN_``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Boot values of one process; business settings are policy, not environment.

    Units stand last in the names. Every field is the environment variable of the same name in capitals, after
    ``DRAWDOWN_``.
    """

    model_config = SettingsConfigDict(env_prefix="DRAWDOWN_", frozen=True, extra="ignore")

    database_url: SecretStr = Field(description="PostgreSQL URL with the service's own role")
    kafka: str = Field(description="bootstrap servers, host:port,host:port")
    topic_prefix: str = Field(
        default="", description="stands before every topic and group, so stacks can share a broker"
    )
    role: Literal["all", "api", "worker"] = Field(default="all", description="which half of the service this copy runs")

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, description="0 takes a free port")
    allowed_hosts: str = Field(default="", description="further Host names to answer to, separated by commas")
    upload_limit_bytes: int = 128 * 1024 * 1024

    partitions: int = Field(default=6, ge=1, description="of every topic that we make")
    replication_factor: int = Field(default=1, ge=1)

    batch_records: int = Field(default=10_000, ge=1, description="most records of one transaction")
    fetch_bytes: int = Field(default=2 * 1024 * 1024, description="most bytes of one fetch and partition")
    session_timeout_ms: int = 15_000
    heartbeat_interval_ms: int = 1_000
    rebalance_timeout_ms: int = 30_000
    group_instance_id: str | None = Field(default=None, description="unique per copy: then a restart is no rebalance")
    stall_seconds: int = Field(default=60, description="lag without progress for so long ends the process")
    shutdown_seconds: int = Field(default=20, description="after so long a stop becomes a kill")

    pool_size: int = Field(default=6, ge=2)
    clock_offset_file: Path | None = Field(default=None, description="a file with seconds to add to the clock")
    account_key: SecretStr = Field(
        default=SecretStr(""), description="keys the hash of account numbers; without it only their last 4 are kept"
    )
    log_level: str = "INFO"
