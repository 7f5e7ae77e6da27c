"""JSON bytes to checked Arrow records: the fast path, and the slow one that says what is wrong."""
