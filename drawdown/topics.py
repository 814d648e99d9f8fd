"""``python -m drawdown.topics`` makes the topics that are missing; a one-shot job where no `drawdown up` runs."""

import asyncio

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.topics import make_topics


class TopicSettings(BaseSettings):
    """Where and how topics are made, by environment variables that begin with ``DRAWDOWN_``."""

    model_config = SettingsConfigDict(env_prefix="DRAWDOWN_", frozen=True, extra="ignore")

    kafka: str
    topic_prefix: str = ""
    partitions: int = 6
    replication_factor: int = 1


async def make(settings: TopicSettings) -> list[str]:
    """Make the topics that are not there, and name them."""
    return await make_topics(
        settings.kafka,
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        replication_factor=settings.replication_factor,
    )


def main() -> None:
    """Says what was made, one name a line."""
    for name in asyncio.run(make(TopicSettings())):
        print(name)


if __name__ == "__main__":
    main()
