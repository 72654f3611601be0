"""Where frames come from: files, folders and cameras, opened, decoded and gated."""
