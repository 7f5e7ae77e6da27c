"""Check: whether a fleet keeps its rules, for cron and CI."""
