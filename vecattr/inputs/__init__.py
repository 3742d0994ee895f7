"""An input's bytes: unpacked, within limits, read once from front to end."""
