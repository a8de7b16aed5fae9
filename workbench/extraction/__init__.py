"""From what was said to tables."""
