"""Each use of the house, wired: rooms are opened in order, and closed whatever happens."""
