"""Hostile text, single values and a snapshot, as people see them."""
