"""Other ways to name a plasmid's lab, asked about the same rows; see `tools/bench_peers.py`."""
