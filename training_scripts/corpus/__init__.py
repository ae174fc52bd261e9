"""From documents to the folder of word counts that a topic model trains on."""
