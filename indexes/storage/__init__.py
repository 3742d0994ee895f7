"""The index folder and its files: manifests, segments, the lock."""
