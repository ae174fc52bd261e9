"""Reading: channels, records and counts become batches of documents."""
