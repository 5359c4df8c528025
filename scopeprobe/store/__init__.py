"""SQLite: every answer of every run of a folder, committed before it counts."""

from scopeprobe.store.folder import discard_store
from scopeprobe.store.journal_writer import Entry, JournalEntries, Row, SqliteJournal, Statement
from scopeprobe.store.store import Store
from scopeprobe.store.stored_facts import StoredFacts, fact_of
from scopeprobe.store.stored_runs import BY_AGE, AcceptedSets, StoredRuns, has_store

__all__ = [
    "BY_AGE",
    "AcceptedSets",
    "Entry",
    "JournalEntries",
    "Row",
    "SqliteJournal",
    "Statement",
    "Store",
    "StoredFacts",
    "StoredRuns",
    "discard_store",
    "fact_of",
    "has_store",
]
