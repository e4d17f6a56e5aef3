"""The stations put together: from a publication's folder to editions, from approval to a finished broadcast."""
