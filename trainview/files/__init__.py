"""Files that are written whole or not at all; what `load` takes; what the cache keeps."""
