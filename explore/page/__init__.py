"""The page: one HTML file with its data, its style and its program, which asks no network for anything."""
