"""Light, surfaces and sensors in three spectra."""
