"""The Markdown of an issue: python-markdown with its gaps closed, one module for each gap."""
