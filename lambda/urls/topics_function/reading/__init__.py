"""Reading: bodies of requests become documents."""
