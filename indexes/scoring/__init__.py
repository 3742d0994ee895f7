"""What one index says of each lab."""
