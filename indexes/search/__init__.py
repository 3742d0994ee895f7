"""Queries in, nearest vectors out."""
