"""What the stacks of data, training and serving have in common."""
