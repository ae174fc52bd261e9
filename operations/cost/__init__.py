"""`make cost`: what a synthesized stage costs, line by line, each price with its page and date."""
