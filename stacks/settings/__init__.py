"""What a stage may set: names, ranges, defaults, and how they are read."""
