"""Who may come in: keys, signatures, and what is asked of each request."""
