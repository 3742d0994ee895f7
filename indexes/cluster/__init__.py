"""Work divided among machines: a cluster of Dask."""
