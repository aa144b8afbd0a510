"""Figures that more than one chapter draws. Each function returns the figure; the notebook shows it with `lab.show`."""

from collections.abc import Mapping, Sequence

import numpy as np


def image_grid(images: np.ndarray, titles: Sequence[str] | None = None, columns: int = 8, size: float = 1.1):
    """Small pictures in rows and columns.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3); one gray scale for all where there is one channel.
        titles: N short texts above the pictures, or None.
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
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(size * columns, (size + 0.25 * (titles is not None)) * rows), squeeze=False
    )
    limits = {"vmin": images.min(), "vmax": images.max()} if images.ndim == 3 else {}
    for index, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if index < len(images):
            axis.imshow(images[index], **limits)
            if titles is not None:
                axis.set_title(titles[index], fontsize=8)
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
                axis.plot(range(1, len(curves[key]) + 1), curves[key], label=label)
        axis.set(xlabel="epoch", ylabel=name.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    figure.suptitle(title)
    return figure


def plot_confusion(labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str], title: str = ""):
    """Confusion matrix: rows are true classes, columns predicted ones, counts in the fields.

    Args:
        labels: (N,) true class indices.
        predictions: (N,) predicted class indices.
        class_names: one name a class.
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
    figure, axis = plt.subplots(figsize=(0.42 * count + 1.2, 0.42 * count + 0.8))
    # The diagonal would drown the errors, so shades show a field's share of its row on a square-root scale.
    shade = np.sqrt(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))
    axis.imshow(shade, cmap="Blues", vmin=0, vmax=1)
    axis.grid(False)
    for (row, column), value in np.ndenumerate(matrix):
        if value:
            color = "white" if shade[row, column] > 0.6 else "black"
            axis.text(column, row, value, ha="center", va="center", fontsize=8, color=color)
    axis.set(xlabel="predicted class", ylabel="true class", title=title)
    axis.set_xticks(range(count), class_names, rotation=0 if max(map(len, class_names)) < 3 else 90)
    axis.set_yticks(range(count), class_names)
    return figure
