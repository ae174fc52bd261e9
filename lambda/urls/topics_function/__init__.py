"""The function behind the Lambda URL: counts or raw text in, topic weights out."""
