"""The model: what the endpoint is asked, and what it answers."""
