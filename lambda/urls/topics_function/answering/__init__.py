"""Answering: weights, metrics, the interface and its page."""
