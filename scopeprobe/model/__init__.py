"""The words everybody speaks: frozen values, no I/O, no framework."""
