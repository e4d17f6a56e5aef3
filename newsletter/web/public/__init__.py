"""The pages for readers: sign-up, goodbye, archive, feeds; and the door for the provider's events."""
