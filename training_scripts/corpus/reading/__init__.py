"""From a document to its words: what of it is text, how texts are segmented."""
