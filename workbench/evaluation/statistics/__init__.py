"""Statistics for conditions: tests, effect sizes, intervals, checks of assumptions and power."""
