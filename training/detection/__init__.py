"""Fine-tuning of person detectors for visible, near-infrared and thermal frames, through ultralytics."""
