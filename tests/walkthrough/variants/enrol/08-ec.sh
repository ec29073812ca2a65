# The other walk changes to a P-256 key here; this one has had one from the start.
