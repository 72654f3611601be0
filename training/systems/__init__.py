"""What can be trained: a task for each system, by the name that stands as ``system`` in a recipe.

A task is added by a file and a line of `TASKS`, or by an entry point of the group ``nightreid.tasks`` in a
package of one's own. Nothing else knows its name; a recipe without one is of the first.
"""

from typing import TYPE_CHECKING, Any

from reid_core.registry import Registry

if TYPE_CHECKING:
    from training.systems.task import TrainingTask

TASKS: "Registry[type[TrainingTask[Any, Any]]]" = Registry(
    "training task",
    "nightreid.tasks",
    {
        "dual-stream": "training.systems.dual_stream:DualStreamTask",
        "tvi-lfm": "training.systems.tvi_lfm.task:TviTask",
        "star-reid": "training.systems.star_reid.task:StarTask",
        "eees": "training.systems.eees.task:EeesTask",
    },
)
