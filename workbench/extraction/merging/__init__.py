"""Rows that say the same: of one extraction, and of many runs."""
