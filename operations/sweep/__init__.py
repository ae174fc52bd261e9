"""Sweeps: many trainings compared, on this machine or in a stage."""
