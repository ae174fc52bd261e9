"""What the framework containers start; each file travels to the root of the code that its container is given."""
