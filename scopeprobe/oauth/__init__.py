"""The protocol without I/O: build a token request, read the answer to it."""
