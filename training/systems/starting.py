"""What a run takes over from the network that it starts from."""

from reid_core.errors import UsageError
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.preprocess import Preprocess
from training.recipe import InputSettings

READ = ("height", "width", "interpolation", "contrast", "mirror")
"""What of a network's preprocessing a recipe says too."""


def same_input(given: InputSettings, start: CheckpointFiles) -> Preprocess:
    """The preprocessing of a network that goes on seeing as it learned to.

    Args:
        given: the recipe's.
        start: checkpoint of the network.

    Raises:
        UsageError: the recipe's input is another one.
    """
    trained = start.manifest.preprocess
    unlike = [
        f"input.{name}={getattr(trained, name)}"
        for name in READ
        if getattr(given, name) != getattr(trained, name)
    ]
    if unlike:
        raise UsageError(
            f"The network to start from reads other images than the recipe says ({', '.join(unlike)}).",
            "Give those settings in the recipe or with --set.",
        )
    return trained


def input_of(start: CheckpointFiles) -> list[str]:
    """What a network reads, as settings of a recipe."""
    return [f"input.{name}={getattr(start.manifest.preprocess, name)}" for name in READ]
