"""SQLite: every answer of every run of a folder, committed before it counts."""

from scopeprobe.store.store import Covers, Store, StoredFacts, stored_runs

__all__ = ["Covers", "Store", "StoredFacts", "stored_runs"]
