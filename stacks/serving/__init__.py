"""Serving: the approved model behind an endpoint and a URL."""
