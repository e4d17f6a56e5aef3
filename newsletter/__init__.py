"""Newsletter: from a Markdown file to a reader's inbox, every Tuesday and Friday."""

__version__ = "0.1.0"
