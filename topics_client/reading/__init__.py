"""How documents are read: from files, tables, JSON and standard input."""
