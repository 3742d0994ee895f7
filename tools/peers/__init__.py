"""Other methods that name a plasmid's lab, queried with the same rows; see `bench_peers.py`."""
