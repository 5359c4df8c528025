"""Permission maps in, text out: one file a format."""
