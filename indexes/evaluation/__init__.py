"""How accurate an index is, with labs and plasmids simulated as new."""
