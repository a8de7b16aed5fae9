"""Labels in people's own words, in categories."""
