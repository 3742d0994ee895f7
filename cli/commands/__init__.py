"""Commands that read plasmids, models and indexes, one module each."""
