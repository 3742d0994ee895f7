"""Plasmids in, unit vectors out."""
