"""Topic vectors of many documents by a stage's batch transform."""
