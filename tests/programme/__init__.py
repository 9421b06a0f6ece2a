"""The programme: working days, deadlines, the plan."""
