"""Propositions and the judge: claims about text and events, scored. Knows no person and no world."""
