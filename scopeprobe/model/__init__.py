"""The values that all rooms share: frozen, without I/O and frameworks."""
