"""What is served over HTTP: the editors' preview, on this machine only; the pages for readers; the API."""
