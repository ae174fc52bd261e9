"""The roles of services: what their names, paths and boundaries are, and what each may do."""
