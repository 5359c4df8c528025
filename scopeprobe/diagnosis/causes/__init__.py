"""What the experiments prove to be wrong, place by place: a generator of causes a file."""
