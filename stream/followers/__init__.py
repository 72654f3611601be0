"""What happens after a tracklet: followers of the outbox."""
