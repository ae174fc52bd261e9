"""The function that finds documents of similar topics."""
