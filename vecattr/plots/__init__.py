"""t-SNE maps, clusters, pictures."""
