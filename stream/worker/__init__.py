"""The night-shift worker: frames from Kafka to tracklets, admitted and linked."""
