"""Commands that talk to a deployed stage."""
