"""Who a person of the synthetic world is."""
