"""Who the people of the synthetic world are."""
