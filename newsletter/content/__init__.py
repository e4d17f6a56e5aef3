"""Read a Markdown file into an Issue: front matter, body, slug, order."""
