"""Kafka in: batches of raw records, each in one transaction together with the offsets that follow them."""

from shared.kafka import closed_connections, header_names

closed_connections.understand()
header_names.read_any()
