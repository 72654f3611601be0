"""One run on one machine: footage in, a gallery and its result out."""
