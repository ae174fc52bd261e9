"""What every template must hold, checked as it is synthesised."""
