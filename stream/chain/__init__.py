"""What every way through the chain shares: settings, lanes, tracklets, links."""
