"""What the tests run on: real servers, a fresh ledger per test, topics, and whole houses."""
