"""Which experiments are made, and in which order."""
