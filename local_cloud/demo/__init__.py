"""The whole service in one command: `python -m local_cloud.demo`."""
