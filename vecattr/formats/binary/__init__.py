"""Binary files of plasmid editors and sequencers."""
