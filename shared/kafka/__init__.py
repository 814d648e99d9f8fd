"""Kafka in: batches of raw records, each in one transaction together with the offsets that follow them."""

from shared.kafka import closed_connections

closed_connections.understand()
