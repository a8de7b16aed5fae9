"""Notebooks run with parameters, and the reports that they leave."""
