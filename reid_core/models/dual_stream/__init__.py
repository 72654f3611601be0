"""The dual-stream system: a stem per modality, a shared rest, GeM pooling, BNNeck."""
