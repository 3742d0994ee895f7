"""How good: ranking, detection, calibration error, intervals."""
