"""How many images and identities the data sets have, as their authors published them.

SYSU-MM01: Wu et al., "RGB-Infrared Cross-Modality Person Re-Identification", ICCV 2017. RegDB: Nguyen et
al., "Person Recognition System Based on a Combination of Body Images from Visible Light and Thermal
Cameras", Sensors 2017. LLCM: Zhang and Wang, "Diverse Embedding Expansion Network and Low-Light
Cross-Modality Benchmark for Visible-Infrared Person Re-identification", CVPR 2023. Market-1501: Zheng et al.,
"Scalable Person Re-identification: A Benchmark", ICCV 2015.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reid_core.types import Modality
from training.datasets.records import Split

SYSU_IDENTITIES: Mapping[Split, int] = {Split.TRAIN: 296, Split.VAL: 99, Split.TEST: 96}

SYSU_IMAGES: Mapping[Split, Mapping[Modality, int]] = {
    Split.TRAIN: {Modality.VISIBLE: 20_284, Modality.INFRARED: 9_929},
    Split.VAL: {Modality.VISIBLE: 1_974, Modality.INFRARED: 1_980},
    Split.TEST: {Modality.VISIBLE: 6_775, Modality.INFRARED: 3_803},
}

SYSU_LEARNED: Mapping[int, tuple[int, int]] = {
    1: (4_721, 194),
    2: (5_753, 195),
    3: (7_909, 392),
    4: (5_811, 382),
    5: (5_973, 390),
    6: (4_000, 200),
}
"""Camera -> images and identities of train and val together, on which the field trains."""

SYSU_TEST: Mapping[int, tuple[int, int]] = {
    1: (1_374, 56),
    2: (1_565, 56),
    3: (1_883, 93),
    4: (1_918, 94),
    5: (1_918, 95),
    6: (1_920, 96),
}
"""The same of test."""

REGDB_IDENTITIES = 412
REGDB_IMAGES_EACH = 10
"""Of every identity, visible and thermal alike."""

REGDB_HALF = 206
"""Identities of either half of a trial."""


@dataclass(frozen=True, slots=True)
class LlcmCounts:
    """Identities and images of one part of LLCM."""

    identities: int
    visible: int
    infrared: int


LLCM: Mapping[Split, LlcmCounts] = {
    Split.TRAIN: LlcmCounts(713, 16_946, 13_975),
    Split.TEST: LlcmCounts(351, 8_680, 7_166),
}
LLCM_WHOLE = LlcmCounts(1_064, 25_626, 21_141)

MARKET: Mapping[str, tuple[int, int]] = {
    "bounding_box_train": (751, 12_936),
    "bounding_box_test": (750, 19_732),
    "query": (750, 3_368),
}
"""Folder -> identities and images; images of the test folder that show nobody are counted with the others."""
