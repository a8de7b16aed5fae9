"""How far a judge can be trusted: agreement with people's labels, calibration, and what should not sway it."""
