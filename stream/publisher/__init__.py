"""The publisher: frames of cameras and recordings into Kafka."""
