"""The steps of a retraining, up to the promotion of its model."""
