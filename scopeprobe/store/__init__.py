"""SQLite: every answer of every run of a folder, committed before it counts."""

from scopeprobe.store.store import AcceptedSets, Store, StoredFacts, stored_runs

__all__ = ["AcceptedSets", "Store", "StoredFacts", "stored_runs"]
