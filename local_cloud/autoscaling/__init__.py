"""Application Auto Scaling of endpoint variants by target tracking."""
