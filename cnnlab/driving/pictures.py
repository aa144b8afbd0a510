"""What a network is shown of a camera's picture: rows cropped, then reduced; and pictures that move."""

import io
from collections.abc import Sequence
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
    # A quarter of the pixels: quicker to learn from, for what is trained in view.
    "carracing_small": View((96, 96), 0, 84, (42, 48)),
    # Without the sky and the hood, in the size of NVIDIA's network.
    "udacity": View((160, 320), 60, 136, (66, 200)),
}


def gif(pictures: Sequence[np.ndarray], milliseconds: int = 100, size: int = 288, colors: int = 16) -> bytes:
    """A moving picture that plays without end.

    Args:
        pictures: (H, W, 3) uint8 each, of one size.
        milliseconds: that each is shown.
        size: width and height in pixels, to which they are enlarged.
        colors: of the one palette that they share; few make a small file.

    Returns:
        The bytes of a GIF file.

    Raises:
        ValueError: there are no pictures.
    """
    if not len(pictures):
        raise ValueError("`pictures` needs at least one picture; received none.")
    palette = Image.fromarray(np.concatenate(pictures[:: max(1, len(pictures) // 8)])).quantize(colors)
    frames = [
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE).resize((size, size), Image.NEAREST)
        for picture in pictures
    ]
    buffer = io.BytesIO()
    options = {"append_images": frames[1:], "duration": milliseconds, "loop": 0, "optimize": True}
    frames[0].save(buffer, "gif", save_all=True, **options)
    return buffer.getvalue()
