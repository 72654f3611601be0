"""ReID data sets on disk as typed records; opening one reads lists of names, never an image."""

from training.datasets.layout import Layout
from training.datasets.opening import LAYOUTS, open_dataset
from training.datasets.records import ImageRecord, ReidDataset, Split

__all__ = ["LAYOUTS", "ImageRecord", "Layout", "ReidDataset", "Split", "open_dataset"]
