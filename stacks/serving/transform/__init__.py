"""Batch transform: many documents at once, on a schedule or on demand."""
