"""Other ways to name a plasmid's lab, each asked about the same rows (see `tools/bench_peers.py`)."""
