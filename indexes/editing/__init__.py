"""Every change of an index: build, add, remove, rename, merge, publish."""
