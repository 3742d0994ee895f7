"""Segments, manifests, FAISS and the engine that attributes a plasmid with them."""
