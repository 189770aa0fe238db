"""What the house stands on: database, jobs, blobs, keys, logs. Knows nothing of conversations."""
