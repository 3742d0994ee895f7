"""Bytes on disk that prove themselves: atomic writes, sealed files, HDF5 arrays."""
