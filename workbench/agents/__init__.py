"""Persona and fragment, person, memory, and the generation of turns."""
