"""Cosmos DB, its API for NoSQL: items are created, read, replaced, deleted, and found by simple queries."""
