"""How the newsletter is doing: figures counted in the ledger, drawn for people."""
