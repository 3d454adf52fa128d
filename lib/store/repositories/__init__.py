"""Reads and writes of the tables, inside a transaction of the caller; none of them commits."""
