"""Labelled plasmids: classes, splits by group, the reserve."""
