"""The command line: starts and stops the whole house on one machine, and asks it questions over HTTP and Kafka."""
