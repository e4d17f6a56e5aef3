"""The editor's desk in a browser: `newsletter preview`. It shows what is rendered in the one way there is."""
