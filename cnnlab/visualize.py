"""Figures that more than one chapter draws. Each function returns the figure; the notebook shows it with `lab.show`."""

from collections.abc import Mapping, Sequence

import numpy as np

from cnnlab.lettering import legible

MOST_NAMES = 30  # classes of a confusion matrix whose names and counts can be read


def image_grid(images: np.ndarray, titles: Sequence[str] | None = None, columns: int = 8, size: float = 1.1):
    """Small pictures in rows and columns.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3); one gray scale for all where there is one channel.
        titles: N short texts above the pictures, in any script, or None.
        columns: pictures in a row.
        size: width of a picture in inches.

    Returns:
        A matplotlib figure with N axes.

    Raises:
        ValueError: `images` has another shape or is empty, or `titles` has another length.
    """
    import matplotlib.pyplot as plt

    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if not len(images) or not (images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3)):
        raise ValueError(f"images must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), got {images.shape}")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"titles must have one text an image ({len(images)}), got {len(titles)}")
    families = None
    if titles is not None:
        titles, families = legible(titles)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(size * columns, (size + 0.25 * (titles is not None)) * rows), squeeze=False
    )
    limits = {"vmin": images.min(), "vmax": images.max()} if images.ndim == 3 else {}
    for index, axis in enumerate(axes.flat):
        axis.set_axis_off()
        axis.xaxis.set_visible(False)  # or the layout measures ticks that nobody sees: three quarters of the time
        axis.yaxis.set_visible(False)
        if index < len(images):
            axis.imshow(images[index], **limits)
            if titles is not None:
                axis.set_title(titles[index], fontsize=8, fontfamily=families)
        else:
            axis.remove()
    return figure


def plot_history(history, metrics: Sequence[str] = ("loss", "accuracy"), title: str = ""):
    """Training and validation curves over epochs, one axis a metric.

    Args:
        history: what `fit` returned, or a mapping from metric name to a list with one value an epoch.
        metrics: names to draw; `val_<name>` is drawn beside each where it was recorded.
        title: text above the figure: data, size, seed.

    Returns:
        A matplotlib figure with one axis a metric.

    Raises:
        ValueError: a metric was not recorded.
    """
    import matplotlib.pyplot as plt

    curves: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    missing = [name for name in metrics if name not in curves]
    if missing:
        raise ValueError(f"metrics must be among {', '.join(curves)}, got {', '.join(missing)}")
    figure, axes = plt.subplots(1, len(metrics), figsize=(4.0 * len(metrics), 3.0), squeeze=False)
    for axis, name in zip(axes[0], metrics, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in curves:
                marker = "o" if len(curves[key]) == 1 else None  # a line of one point would not be seen
                axis.plot(range(1, len(curves[key]) + 1), curves[key], marker=marker, label=label)
        axis.set(xlabel="epoch", ylabel=name.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    figure.suptitle(title)
    return figure


def plot_confusion(labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str], title: str = ""):
    """Confusion matrix: rows are true classes, columns predicted ones, counts in the fields.

    With more than 30 classes there are neither counts nor names, which could not be read: every tenth class has its
    number.

    Args:
        labels: (N,) true class indices.
        predictions: (N,) predicted class indices.
        class_names: one name a class, in any script.
        title: text above the figure.

    Returns:
        A matplotlib figure with one axis.

    Raises:
        ValueError: `labels` and `predictions` differ in shape, or hold an index without a name.
    """
    import matplotlib.pyplot as plt

    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ValueError(f"labels and predictions must be (N,) alike, got {labels.shape} and {predictions.shape}")
    count = len(class_names)
    if min(labels.min(), predictions.min()) < 0 or max(labels.max(), predictions.max()) >= count:
        raise ValueError(f"class_names must name every index in labels and predictions, got {count} names")
    matrix = np.bincount(labels * count + predictions, minlength=count**2).reshape(count, count)
    many = count > MOST_NAMES
    figure, axis = plt.subplots(figsize=(6.4, 6.0) if many else (0.42 * count + 1.2, 0.42 * count + 0.8))
    # The diagonal would drown the errors, so shades show a field's share of its row on a square-root scale.
    shade = np.sqrt(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))
    axis.imshow(shade, cmap="Blues", vmin=0, vmax=1)
    axis.grid(False)
    for (row, column), value in np.ndenumerate(matrix):
        if value and not many:
            color = "white" if shade[row, column] > 0.6 else "black"
            axis.text(column, row, value, ha="center", va="center", fontsize=8, color=color)
    axis.set(xlabel="predicted class", ylabel="true class", title=title)
    if many:
        axis.set(xticks=range(0, count, 10), yticks=range(0, count, 10))
        return figure
    names, families = legible(class_names)
    axis.set_xticks(range(count), names, rotation=0 if max(map(len, names)) < 3 else 90, fontfamily=families)
    axis.set_yticks(range(count), names, fontfamily=families)
    return figure


def draw_matrix(axis, matrix: np.ndarray, title: str = "", window: tuple[int, int, int] | None = None) -> None:
    """Draw a small matrix on an axis: tiles shaded by value, with their numbers.

    Args:
        axis: the matplotlib axis to draw on.
        matrix: (H, W) numbers.
        title: text above the matrix.
        window: (top, left, size) of a square to outline, in tiles, or None.

    Raises:
        ValueError: `matrix` has another number of axes or is empty.
    """
    from matplotlib.patches import Rectangle

    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"matrix must have shape (H, W), got {matrix.shape}")
    low, high = matrix.min(), matrix.max()
    # The darkest tile stays at middle gray, so that a black number is legible on every tile.
    axis.imshow(matrix, cmap="Greys", vmin=low, vmax=low + 2.5 * max(high - low, 1e-9))
    for (row, column), value in np.ndenumerate(matrix):
        axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=8)
    if window is not None:
        top, left, size = window
        frame = Rectangle((left - 0.5, top - 0.5), size, size, fill=False, edgecolor="#D55E00", linewidth=2.5)
        frame.set_clip_on(False)  # a window at the border keeps its full line
        axis.add_patch(frame)
    axis.grid(False)
    axis.spines[:].set_visible(True)
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=9)


def draw_sliding(figure, size: int, kernel: int, stride: int = 1, padding: int = 0, title: str = "") -> None:
    """Fill a (sub)figure with one small picture a window position, each at the place of the output it gives.

    White tiles are padding, light ones the image, dark ones the window.

    Args:
        figure: a matplotlib figure or subfigure.
        size: side of the square image in pixels.
        kernel: side of the square window in pixels.
        stride: step between two positions in pixels.
        padding: pixels added on each side.
        title: text above the pictures.

    Raises:
        ValueError: the window does not fit; see `cnnlab.arithmetic.output_size`.
    """
    from cnnlab.arithmetic import output_size

    count = output_size(size, kernel, stride, padding)
    axes = figure.subplots(count, count, squeeze=False)
    for row, column in np.ndindex(count, count):
        tiles = np.pad(np.full((size, size), 0.75), padding, constant_values=1.0)
        tiles[row * stride : row * stride + kernel, column * stride : column * stride + kernel] -= 0.5
        axis = axes[row, column]
        axis.pcolormesh(tiles, cmap="gray", vmin=0, vmax=1, edgecolors="0.5", linewidth=0.4, clip_on=False)
        axis.set_aspect("equal")
        axis.invert_yaxis()
        axis.set_axis_off()
    figure.suptitle(title, fontsize=9)


def plot_volumes(volumes: Sequence[tuple[str, Sequence[int]]], title: str = "", spacing: float = 1.15):
    """The layers of a network as blocks in a row: height and width in space, thickness for channels.

    Lengths are drawn on a root scale, so that 1 and 512 both find room; the exact shape stands below each block. The
    longest vector is at most as tall as the tallest map, and the others in proportion.

    Args:
        volumes: pairs (name, shape), shape without the batch axis: (H, W, C) or (N,). For a functional Keras model:
            `[(layer.name, layer.output.shape[1:]) for layer in model.layers]`.
        title: text above the figure.
        spacing: inches from one block to the next.

    Returns:
        A matplotlib figure with one axis.

    Raises:
        ValueError: `volumes` is empty, or a shape has neither one nor three positive lengths.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Polygon

    volumes = [(name, tuple(shape)) for name, shape in volumes]
    for name, shape in volumes:
        if len(shape) not in (1, 3) or any(not length or length < 1 for length in shape):
            raise ValueError(f"volumes must have shapes (H, W, C) or (N,), got {shape} for {name!r}")
    if not volumes:
        raise ValueError("volumes must hold at least one pair (name, shape), got none")
    figure, axis = plt.subplots(figsize=(1.0 + spacing * len(volumes), 2.6))
    tallest = max(max(shape) if len(shape) == 3 else 1 for _, shape in volumes)
    longest = max(shape[0] if len(shape) == 1 else 1 for _, shape in volumes)
    for place, (name, shape) in enumerate(volumes):
        height, width, channels = shape if len(shape) == 3 else (shape[0] * min(1, tallest / longest), 1, 1)
        up, deep = (0.15 + 1.6 * np.sqrt(side / tallest) for side in (height, width))
        thick = 0.06 + 0.028 * np.sqrt(channels)
        slant_x, slant_y = 0.22 * deep, 0.16 * deep  # the block's width runs into the page
        left, bottom = 1.5 * place - (thick + slant_x) / 2, -(up + slant_y) / 2
        right, top = left + thick, bottom + up
        slant = np.array([slant_x, slant_y])
        corners = {"a": (left, bottom), "b": (right, bottom), "c": (right, top), "d": (left, top)}
        a, b, c, d = (np.array(corners[key]) for key in "abcd")
        for face, shade in (
            ((a, b, c, d), "0.85"),
            ((b, b + slant, c + slant, c), "0.65"),
            ((d, c, c + slant, d + slant), "0.95"),
        ):
            axis.add_patch(Polygon(face, facecolor=shade, edgecolor="black", linewidth=0.8))
        label = "×".join(map(str, shape))
        axis.text(1.5 * place, -1.25, f"{name}\n{label}", ha="center", va="top", fontsize=8)
        if place:
            axis.annotate("", (1.5 * place - 0.42, 0), (1.5 * place - 1.02, 0), arrowprops={"arrowstyle": "->"})
    axis.set(xlim=(-0.8, 1.5 * len(volumes) - 0.7), ylim=(-1.9, 1.15), title=title)
    axis.set_aspect("equal")
    axis.set_axis_off()
    return figure


def draw_block(axis, model, title: str = "", detail: bool = False) -> None:
    """Draw the paths of a block side by side, from its input at the bottom to the layer that joins them at the top.

    A path that splits off another begins at the height of the split, to the right of the other.

    Args:
        axis: the matplotlib axis to draw on.
        model: a functional Keras model with one input and one output, in which only the last layer reads several maps.
        title: text above the block.
        detail: whether batch norms and activations have boxes of their own.

    Raises:
        ValueError: a layer before the last reads several maps.
    """
    paths = _paths(model, detail)
    top = max(map(len, paths))
    line = {"color": "0.5", "linestyle": "-", "linewidth": 1, "zorder": 0}
    box = {"boxstyle": "round,pad=0.25", "facecolor": "0.93", "edgecolor": "0.4"}
    for place, path in enumerate(paths):
        base = path.count("")
        if base:
            axis.plot([place - 1, place], [base - 0.5] * 2, **line)
        axis.plot([place, place], [base - 0.5 if base else -0.8, top - 0.4], **line)
        for row, label in enumerate(path):
            if label:
                axis.text(place, row, label.replace(" ", "\n"), ha="center", va="center", fontsize=7, bbox=box)
    ends = [-0.4, len(paths) - 0.6]
    if len(paths) > 1:
        axis.plot(ends, [-0.8] * 2, color="0.5", linestyle="-", linewidth=1)
        axis.plot(ends, [top - 0.4] * 2, color="0.2", linestyle="-", linewidth=2.5)
        join = type(model.get_layer(index=-1)).__name__.lower()
        axis.text(sum(ends) / 2, top - 0.3, join, ha="center", va="bottom", fontsize=7)
    shape = "×".join(map(str, model.input.shape[1:]))
    axis.text(sum(ends) / 2, -0.95, shape, ha="center", va="top", fontsize=7)
    axis.set(xlim=(-0.7, len(paths) - 0.3), ylim=(-1.3, top + 0.1))
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()


def _paths(model, detail: bool = False) -> list[list[str]]:
    """The paths of a block, each the labels of its layers from bottom to top; empty ones where it is another's path."""
    made_by = {id(layer.output): layer for layer in model.layers}
    last = made_by[id(model.output)]
    joined = isinstance(last.input, list)
    height, paths = {id(model.input): 0}, []
    for end in last.input if joined else [model.output]:
        way = [end]
        while id(way[-1]) not in height:
            source = made_by[id(way[-1])].input
            if isinstance(source, list):
                raise ValueError(f"model must join its paths in its last layer, {made_by[id(way[-1])].name} joins some")
            way.append(source)
        path = [""] * height[id(way[-1])]
        for tensor in reversed(way[:-1]):
            path += filter(None, [_label(made_by[id(tensor)], detail)])
            height[id(tensor)] = len(path)
        paths.append(path)
    return paths


def _label(layer, detail: bool) -> str | None:
    """Kernel, step and channels of a convolution, kind and window of a pool; None for a layer without a box."""
    kind = type(layer).__name__
    step = "/2" if max(getattr(layer, "strides", (1,))) == 2 else ""
    if hasattr(layer, "kernel_size"):
        size = "×".join(map(str, layer.kernel_size))
        return f"{size}{step} {'depthwise' if kind == 'DepthwiseConv2D' else layer.filters}"
    if hasattr(layer, "pool_size"):
        return f"{'max' if kind == 'MaxPooling2D' else 'mean'} {'×'.join(map(str, layer.pool_size))}{step}"
    return {"BatchNormalization": "batch norm", "ReLU": "ReLU"}.get(kind) if detail else None
