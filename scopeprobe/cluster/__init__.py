"""Audits that are asked by the workers of a Dask cluster: each rate group by one of them."""
