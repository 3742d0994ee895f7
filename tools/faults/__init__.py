"""Faults that are tried on vecattr, one module for each proof of docs/results/reliability.md."""
