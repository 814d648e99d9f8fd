"""A real PostgreSQL and a real Apache Kafka on this machine, with no container engine: what `drawdown up` starts."""
