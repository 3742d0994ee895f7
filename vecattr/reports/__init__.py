"""Attributions in; pages and pictures of them out."""
