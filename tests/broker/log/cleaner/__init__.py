"""Compaction, from one batch to a whole log."""
