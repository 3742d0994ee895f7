"""What segments are together: labs, class vectors, and k-mers that are looked up at once."""
