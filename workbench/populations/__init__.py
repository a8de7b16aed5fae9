"""People sampled to exact quotas: plans, names, personas around fixed attributes, and populations as tables."""
