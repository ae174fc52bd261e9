"""What stands for AWS's framework containers: script mode as their toolkits run it, by this environment's packages."""
