"""Commands that build, change or repair an index, one module each."""
