"""The k-mers of several segments of an index, looked up at once."""
