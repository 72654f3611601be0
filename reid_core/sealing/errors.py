"""What goes wrong with the keys of crops."""

from reid_core.errors import GalleryError


class SealingKeyError(GalleryError):
    """A crop is encrypted, or is to be, and its key is missing, damaged or another one."""

    code = "crop-key"
