"""Watches: standing queries that raise an alert when somebody like that comes by."""
