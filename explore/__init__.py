"""Topics that a person can explore: topic vectors of a corpus, their map, and the page that shows both."""
