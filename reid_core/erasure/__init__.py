"""Erasure: a person is taken out of a gallery, everywhere, and does not come back with a backup.

`service.Erasing` chooses and erases, `holds` says who may not be erased, `holdings` says what every table
holds of people, `replaying` erases again what a restored backup brought back.
"""
