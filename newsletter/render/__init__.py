"""Turn an Issue and a theme into an Edition: pure, deterministic, no network and no database."""
