"""Similar documents: the function, its asset and its vector index."""
