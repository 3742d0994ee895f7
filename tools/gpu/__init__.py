"""Runs that fit into a short loan of a GPU."""
