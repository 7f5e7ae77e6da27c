from trainview.schema import columns as columns
