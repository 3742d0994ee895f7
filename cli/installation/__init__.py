"""Commands about vecattr itself, as it is installed here."""
