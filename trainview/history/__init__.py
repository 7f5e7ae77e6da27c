"""What was recorded over time: a folder or a bucket of plain Parquet, written look by look."""
