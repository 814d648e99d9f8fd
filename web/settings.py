"""What the front is told when it starts, by environment variables that begin with ``DRAWDOWN_``."""

from collections.abc import Mapping

from pydantic_settings import BaseSettings, SettingsConfigDict


class WebSettings(BaseSettings):
    """Boot values of the front; each is the environment variable of its name in capitals, after ``DRAWDOWN_``."""

    model_config = SettingsConfigDict(env_prefix="DRAWDOWN_", frozen=True, extra="ignore")

    http_host: str = "127.0.0.1"
    http_port: int = 8000
    allowed_hosts: str = ""
    log_level: str = "INFO"

    allocations_url: str = "http://127.0.0.1:8001"
    payments_url: str = "http://127.0.0.1:8002"
    metrics_url: str = "http://127.0.0.1:8003"
    audit_url: str = "http://127.0.0.1:8004"

    @property
    def services(self) -> Mapping[str, str]:
        """The address of every service, in the order in which money flows."""
        return {
            "allocations": self.allocations_url,
            "payments": self.payments_url,
            "metrics": self.metrics_url,
            "audit": self.audit_url,
        }
