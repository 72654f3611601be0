"""Somebody who is told how a training goes, and says nothing of it."""


class Silent:
    """A `training.trainer.TrainingProgress`."""

    def images(self, done, total):
        """Images read."""

    def step(self, done, total, values):
        """A step done."""

    def note(self, text):
        """Something to be said."""
