"""The HTTP API for programs: one table of operations, from which routes and the OpenAPI description are made."""
