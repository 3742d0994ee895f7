"""The terminal: options, progress, rendering and exit codes."""
