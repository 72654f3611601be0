"""Retention: what is kept of each camera for how long, removed when that is over, and proved by a report.

`rules` says how long, `kept` what there is of a camera, `general` what there is beside cameras, `enforcing`
removes what is over, `reporting` says what is left and what went.
"""
