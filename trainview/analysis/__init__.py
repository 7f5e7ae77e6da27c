"""Pure helpers: a jobs table in, a new table of the same kind out."""
