"""The steps of the training pipeline and of preparation."""
