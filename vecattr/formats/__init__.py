"""Formats of sequence files: an open file in, its records out; one module for each format."""
