"""Data: keys, network, buckets, and what is uploaded into them."""
