"""What goes over the wire: requests and answers of the HTTP API, one subject a file."""
