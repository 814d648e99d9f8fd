"""Kafka in: batches of raw records, each in one transaction together with the offsets that follow them."""

from shared.kafka import closed_connections, compression, fetched

closed_connections.understand()
compression.lighten()
fetched.take_over()
