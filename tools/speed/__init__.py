"""What `tools/bench_speed.py` measures."""
