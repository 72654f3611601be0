"""Triangles, rays and bones, compiled; and work on several processes."""
