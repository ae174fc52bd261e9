"""Seeded faults: templates made wrong on purpose, which the controls must notice."""
