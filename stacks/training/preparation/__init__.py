"""Preparation: documents in S3 become a corpus on Spark."""
