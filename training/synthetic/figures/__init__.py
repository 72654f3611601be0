"""A person as triangles: body, hair, clothes and what they carry."""
