"""Kafka: clients, topics, the envelope that a frame travels in, dead letters, blobs."""
