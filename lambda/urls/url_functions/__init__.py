"""What the functions behind URLs share."""
