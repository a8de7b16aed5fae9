"""World, schedule, clock and reach."""
