"""Serving: the container's HTTP server and its requests."""
