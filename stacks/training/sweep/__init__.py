"""Sweeps: many trainings, one hyperparameter apart."""
