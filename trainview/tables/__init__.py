"""Records and answers to tidy tables with fixed dtypes, and back."""
