"""Tables, migrations and the one transaction helper."""
