from .schema import columns as columns
