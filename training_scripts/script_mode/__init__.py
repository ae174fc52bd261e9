"""The open NTM in AWS's framework containers: what travels there, and what starts it."""
