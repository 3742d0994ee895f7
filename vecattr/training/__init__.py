"""From labelled plasmids to a model folder."""
