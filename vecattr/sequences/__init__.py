"""Bases as numbers: least rotations, two-bit codes, k-mers, compositions."""
