"""Simulated answers held against those of humans: `compare_to_human` in `comparing.py`, and the parts of it.

Numbers come first (distances, rankings, agreement, equivalence, scales), then what they are held against (baselines,
resampling), then what is said of them (verdicts, report). How people are asked lives elsewhere.
"""
