"""Reports: findings with the evidence that they rest on, and how it was all made."""
