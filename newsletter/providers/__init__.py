"""Adapters to email services, each behind `newsletter.delivery.protocol.Provider`."""
