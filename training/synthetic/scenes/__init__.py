"""People in places before cameras: images, frames, videos and data sets."""
