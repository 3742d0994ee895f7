"""Encoder networks in torch: batches of ids and features in, unit vectors out."""
