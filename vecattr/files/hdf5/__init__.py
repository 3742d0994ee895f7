"""HDF5: the library, and a process of its own that reads what strangers made."""
