"""The programme of activities: working days, deadlines, the plan, notices. Pure domain logic: no SQL, no HTTP."""
