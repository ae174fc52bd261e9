"""Amazon S3 Vectors, as far as an index of documents needs it."""
