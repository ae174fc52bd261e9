"""Retraining: a schedule, its gate, and the promotion of what passes."""
