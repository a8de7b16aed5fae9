"""Figures of a run that no model is asked for: who talks, how varied and alike that is, whether it collapses."""
