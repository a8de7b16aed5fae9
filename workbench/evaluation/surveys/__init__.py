"""Surveys: questions, how an answer is got from a person, and the table of all answers."""
