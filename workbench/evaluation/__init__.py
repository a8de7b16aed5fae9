"""Scores of people and worlds."""
