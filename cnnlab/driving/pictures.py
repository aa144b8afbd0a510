"""What a network is shown of a camera's picture: rows cropped, then reduced."""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class View:
    """A crop of a picture, brought to a size.

    Attributes:
        source: (height, width) of the camera's picture.
        top, bottom: first row kept, and first row no longer kept.
        size: (height, width) of what the network gets.
    """

    source: tuple[int, int]
    top: int
    bottom: int
    size: tuple[int, int]

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Crop and reduce a picture.

        Args:
            picture: (height, width, 3) uint8, of the size `source`.

        Returns:
            (*size, 3) uint8.

        Raises:
            ValueError: `picture` has another shape.
        """
        if picture.shape != (*self.source, 3):
            raise ValueError(f"`picture` needs the shape {(*self.source, 3)}; received {picture.shape}.")
        kept = picture[self.top : self.bottom]
        if kept.shape[:2] == tuple(self.size):
            return kept
        height, width = self.size
        return np.asarray(Image.fromarray(kept).resize((width, height), Image.Resampling.BOX))


VIEWS = {
    # All but the instruments, which would tell the network what its own steering was.
    "carracing": View((96, 96), 0, 84, (84, 96)),
    # Without the sky and the hood, in the size of NVIDIA's network.
    "udacity": View((160, 320), 60, 136, (66, 200)),
}
