"""Peers are read by `make peers` alone: their packages come over the network."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("PEERS") else ["test_*.py"]
