"""Public files in; the labelled table of their plasmids, and what was left out and why, out."""
