"""Webhooks: alerts delivered to configured addresses, signed, until they are taken."""
