"""JSON schemas of everything that vecattr writes as JSON: a command's name in, its schema out."""
