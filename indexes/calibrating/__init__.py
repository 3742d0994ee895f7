"""Calibration of an index: reserved stored plasmids in, calibration files out."""
