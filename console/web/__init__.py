"""The web page of the console: scripts, styles and one HTML file, which call the JSON API alone."""
