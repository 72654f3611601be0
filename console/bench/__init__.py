"""Benchmarks: each measures this project and what it is compared with in one run, and returns plain data."""
