"""What trainings share: schedules, losses, batches, measurements, and the short recipe for digits."""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from cnnlab import profiles
from cnnlab.pixels import refuse_scaled

DIGIT_STRENGTHS = {"rotation": 12, "zoom": 0.15, "shear": 0.2, "shift": 1.5}  # of `augment`, for handwritten digits
DIGIT_SMOOTHING = 0.1  # of `smoothed_cross_entropy`, for the same


def one_cycle(peak: float, steps: int, warmup: float = 0.25) -> keras.optimizers.schedules.LearningRateSchedule:
    """Learning rate that rises along a line to `peak` and falls along half a cosine to zero.

    Args:
        peak: highest learning rate.
        steps: number of updates of the whole training, epochs times batches an epoch.
        warmup: fraction of `steps` spent rising, at least 0 and below 1.

    Returns:
        A schedule for the `learning_rate` of any optimizer: peak / 25 at step 0, `peak` after the rise, 0 at `steps`.

    Raises:
        ValueError: `peak` or `steps` is not positive, or `warmup` is outside [0, 1).

    Source: Smith, "A disciplined approach to neural network hyper-parameters: part 1", 2018, section 4.1.
    """
    if not peak > 0:
        raise ValueError(f"`peak` needs a positive learning rate; received {peak!r}.")
    if not steps >= 1:
        raise ValueError(f"`steps` needs at least 1 update; received {steps!r}.")
    if not 0 <= warmup < 1:
        raise ValueError(f"`warmup` needs a fraction of at least 0 and below 1; received {warmup!r}.")
    rise = int(warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 25 if rise else peak,
        warmup_target=peak if rise else None,
        warmup_steps=rise,
        decay_steps=max(steps - rise, 1),
    )


def averaged_sgd(learning_rate, weight_decay: float, averaging: float) -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum of 0.9 that lets kernels alone decay and leaves the running mean of the weights.

    Args:
        learning_rate: a number, or a schedule such as `one_cycle`.
        weight_decay: share of each kernel that a step takes away, times the learning rate.
        averaging: momentum of the running mean that replaces the weights when training ends; 0 keeps the last weights.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013, section 2;
        Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 1; Polyak and Juditsky,
        "Acceleration of stochastic approximation by averaging", 1992.
    """
    average = {"use_ema": True, "ema_momentum": averaging} if averaging else {}
    optimizer = keras.optimizers.SGD(learning_rate, 0.9, nesterov=True, weight_decay=weight_decay, **average)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def compiled(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, loss, metrics: Sequence = (), **options
) -> keras.Model:
    """Compile a model, and make all variables now, so that TensorFlow traces the training step once.

    Variables that are made inside the first step make it trace that step twice, which costs seconds for a deep model:
    those of the optimizer, and those of a metric that is given by its name.

    Args:
        model: built; compiled here.
        optimizer: of its own.
        loss: as `keras.Model.compile` takes it.
        metrics: "accuracy", which is that of labels (N,) and scores (N, classes), or metrics of Keras.
        **options: more of what `keras.Model.compile` takes.

    Returns:
        The same model.
    """
    accuracy_of = keras.metrics.SparseCategoricalAccuracy
    metrics = [accuracy_of(metric) if metric == "accuracy" else metric for metric in metrics]
    model.compile(optimizer, loss, metrics=metrics, **options)
    optimizer.build(model.trainable_variables)
    return model


def smoothed_cross_entropy(smoothing: float = 0.0) -> Callable:
    """Cross-entropy whose target is 1 - `smoothing` for the label and `smoothing` shared equally among all classes.

    Args:
        smoothing: at least 0 and below 1.

    Returns:
        A loss of labels (N,) and logits (N, classes): (N,).

    Raises:
        ValueError: `smoothing` is outside [0, 1).

    Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016, section 7.
    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"`smoothing` needs a fraction of at least 0 and below 1; received {smoothing!r}.")

    def loss(labels, logits):
        targets = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), logits.shape[-1])
        return keras.losses.categorical_crossentropy(targets, logits, from_logits=True, label_smoothing=smoothing)

    return loss


class CroppedBatches(keras.utils.PyDataset):
    """Shuffled batches for training, each image moved and mirrored anew in every epoch.

    Only the images of one batch are ever copied, so a set takes no more memory than its own pixels.

    Args:
        images: (N, H, W, C), any numeric type.
        labels: (N,).
        batch_size: images in a batch; what is left over at the end of an epoch's order sits that epoch out.
        seed: fixes the orders, moves and mirrorings of all epochs.
        shift: largest move in pixels, along each axis and either way; what comes in is the image's own reflected edge.
        mirror: "none", "random", or "alternating": half of the images in the even epochs, the others in the odd ones,
            so that no image is seen twice the same way round in two epochs.

    Raises:
        ValueError: `images` has not four axes, `images` and `labels` differ in number, `batch_size` is above it,
            `shift` is not below the sides, or `mirror` is unknown.

    Source: He et al., "Deep residual learning for image recognition", 2016, section 4.2, for the crops; Jordan, "94% on
        CIFAR-10 in 3.29 seconds on a single GPU", 2024, section 3.6, for alternating.
    """

    def __init__(self, images, labels, batch_size: int, seed: int = 0, shift: int = 0, mirror: str = "none"):
        super().__init__()
        if len(images.shape) != 4:
            raise ValueError(f"`images` needs the shape (N, H, W, C); received {tuple(images.shape)}.")
        _refuse_unfit(images, labels, batch_size)
        if not isinstance(shift, int) or not 0 <= shift < min(images.shape[1:3]):
            raise ValueError(f"`shift` needs a number of pixels below {min(images.shape[1:3])}; received {shift!r}.")
        if mirror not in ("none", "random", "alternating"):
            raise ValueError(f"`mirror` needs 'none', 'random' or 'alternating'; received {mirror!r}.")
        self.images, self.labels, self.batch_size, self.seed = images, labels, batch_size, seed
        self.shift, self.mirror, self.epoch = shift, mirror, 0
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        generator = np.random.default_rng((self.seed, self.epoch))
        self.order = generator.permutation(len(self.images))
        self.moves = generator.integers(0, 2 * self.shift + 1, (2, len(self.images)))
        sides = np.random.default_rng((self.seed, self.epoch if self.mirror == "random" else 0))
        self.mirrored = sides.random(len(self.images)) < 0.5
        if self.mirror == "none":
            self.mirrored[:] = False
        elif self.mirror == "alternating" and self.epoch % 2:
            self.mirrored = ~self.mirrored

    def go_to(self, epoch: int) -> None:
        """Begin an epoch, counted from 0, wherever the training stood: one that was interrupted goes on from there."""
        self.epoch = epoch
        self._begin_epoch()

    def __len__(self) -> int:
        return len(self.images) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        batch = self.images[chosen]
        if self.shift:
            frame = [(0, 0), (self.shift, self.shift), (self.shift, self.shift), (0, 0)]
            windows = np.lib.stride_tricks.sliding_window_view(
                np.pad(batch, frame, mode="reflect"), batch.shape[1:3], axis=(1, 2)
            )  # (N, places down, places right, C, H, W): views, of which one an image is copied
            down, right = self.moves[:, chosen]
            batch = windows[np.arange(len(chosen)), down, right].transpose(0, 2, 3, 1)
        mirrored = self.mirrored[chosen, np.newaxis, np.newaxis, np.newaxis]
        return np.where(mirrored, batch[:, :, ::-1], batch), self.labels[chosen]

    def on_epoch_end(self) -> None:
        """Keras calls this: draw the next epoch's order, moves and mirrorings."""
        self.go_to(self.epoch + 1)


def _refuse_unfit(images, labels, batch_size: int) -> None:
    """What no batches can be made of."""
    if len(images) != len(labels):
        raise ValueError(f"`labels` needs one per image, {len(images)}; received {len(labels)}.")
    if not 1 <= batch_size <= len(images):
        raise ValueError(f"`batch_size` needs 1 to the {len(images)} images there are; received {batch_size!r}.")


def strategy(devices: Sequence[str] | None = None) -> tf.distribute.Strategy:
    """How the devices of this machine share a training: each takes its part of every batch.

    Build and compile a model within `strategy().scope()`; its results are then those of one device, up to rounding and
    to what is drawn at random, dropout that is.

    Args:
        devices: names such as "GPU:0"; None for all GPUs that TensorFlow sees.

    Returns:
        `MirroredStrategy` for several devices, else the default, which does nothing.

    Source: Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, section 3.
    """
    devices = [device.name for device in tf.config.list_logical_devices("GPU")] if devices is None else devices
    return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Models built inside compute in this precision.

    Args:
        policy: as Keras names it: "float32", "mixed_bfloat16" or "mixed_float16".
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def gradient_norms(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> list[float]:
    """The length of the loss' gradient with respect to each convolution's kernel, shortcuts left out.

    Args:
        model: gives logits; batch norms use the statistics of these images, as in training.
        images: (N, H, W, C).
        labels: (N,).

    Returns:
        One number a convolution, from the input to the output.
    """
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    kernels = [layer.kernel for layer in convolutions if not layer.name.endswith("_shortcut")]
    states = {weight.path: weight.numpy() for weight in model.non_trainable_variables}
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        loss = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        loss = tf.reduce_mean(loss)
    norms = [float(tf.norm(gradient)) for gradient in tape.gradient(loss, [kernel.value for kernel in kernels])]
    for weight in model.non_trainable_variables:  # the pass has moved them
        weight.assign(states[weight.path])
    return [float(f"{norm:.4g}") for norm in norms]


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of the images that the model classifies rightly.

    Args:
        model: from images to one score per class.
        images: (N, H, W, C).
        labels: (N,) or (N, 1), class indices.

    Raises:
        ValueError: the labels are not one integer per image, the images lie from 0 to 1 where the model's first layer
            divides them, or the model gives anything but one row of scores per image.
    """
    labels = class_indices(labels, len(images))
    refuse_scaled(images, model)
    scores = np.asarray(model.predict(images, batch_size=500, verbose=0))
    if scores.ndim != 2 or len(scores) != len(labels):
        raise ValueError(f"`model` needs to give scores of shape ({len(labels)}, classes); they are {scores.shape}.")
    return float((scores.argmax(axis=1) == labels).mean())


def class_indices(labels, count: int) -> np.ndarray:
    """Labels as they are meant, whatever holds them: one class index per image.

    Args:
        labels: array, tensor or list of shape (count,) or (count, 1), of an integer type or with whole numbers.
        count: of the images.

    Returns:
        int64 (count,).

    Raises:
        ValueError: another shape, such as one-hot, or values that are no indices.
    """
    found = np.asarray(labels)
    if found.shape not in ((count,), (count, 1)):
        hint = "; one-hot labels become indices by `labels.argmax(axis=1)`" if found.ndim == 2 else ""
        raise ValueError(f"`labels` needs the shape ({count},), an index per image{hint}; received {found.shape}.")
    if found.dtype.kind not in "iuf" or (found < 0).any() or (found % 1 != 0).any():
        raise ValueError(f"`labels` needs class indices, whole numbers from 0; received {found.ravel()[:3]} ...")
    return found.reshape(count).astype(np.int64)


def outcome(history: keras.callbacks.History) -> dict:
    """What is kept of any training: its curves to five decimals, and what it ran on.

    Args:
        history: what `fit` returned.

    Returns:
        One list a metric, with one value an epoch; what `machine` and `versions` say.
    """
    curves = {name: [round(value, 5) for value in values] for name, values in history.history.items()}
    return curves | machine() | versions()


def machine() -> dict[str, str | int]:
    """What a record says of the processor: "instruction_set", "cores", and the "threads" of an operation."""
    # Zero leaves the choice to TensorFlow, which asks its environment and then takes all cores.
    threads = tf.config.threading.get_intra_op_parallelism_threads() or int(os.getenv("TF_NUM_INTRAOP_THREADS", "0"))
    cores = profiles.cores()
    return {"instruction_set": profiles.instruction_set(), "cores": cores, "threads": threads or cores}


def versions() -> dict[str, str]:
    """What a record says that it was made with: "keras", "tensorflow", and Keras' "backend"."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__, "backend": keras.backend.backend()}


def augment(
    images, seed, rotation: float = 0.0, zoom: float = 0.0, shear: float = 0.0, shift: float = 0.0
) -> tf.Tensor:
    """Turn, scale, slant and move every image of a batch by its own random amounts, in one affine map each.

    Args:
        images: (N, H, W, C), any numeric type; what comes in from outside the frame is 0.
        seed: integer, or a scalar integer tensor as a `tf.data` pipeline supplies; equal seeds give equal results.
        rotation: largest angle in degrees, either way.
        zoom: largest change of each side, as a fraction: 0.1 scales by 0.9 to 1.1, height and width apart.
        shear: largest slant, in pixels to the side for each pixel down, either way.
        shift: largest move in pixels, along each axis and either way.

    Returns:
        (N, H, W, C) of the type of `images`, interpolated linearly between pixels.

    Raises:
        ValueError: `images` has not four axes, or a strength is out of its range.

    Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
        analysis", 2003, section 2.
    """
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4:
        raise ValueError(f"`images` needs the shape (N, H, W, C); received {tuple(images.shape)}.")
    if not 0 <= rotation <= 180:
        raise ValueError(f"`rotation` needs degrees from 0 to 180; received {rotation!r}.")
    if not 0 <= zoom < 1:
        raise ValueError(f"`zoom` needs a fraction of at least 0 and below 1; received {zoom!r}.")
    if not 0 <= shear < math.inf:
        raise ValueError(f"`shear` needs a slope of at least 0; received {shear!r}.")
    if not 0 <= shift < math.inf:
        raise ValueError(f"`shift` needs a number of pixels of at least 0; received {shift!r}.")
    draws = tf.random.stateless_uniform((6, tf.shape(images)[0]), tf.stack([seed, 0]), -1.0, 1.0)
    turn, slant, wider, higher, right, down = tf.unstack(draws)
    cosine, sine = tf.cos(turn * math.radians(rotation)), tf.sin(turn * math.radians(rotation))
    slope, width_scale, height_scale = slant * shear, 1 + wider * zoom, 1 + higher * zoom
    # The map goes from a pixel of the result to the place in the image that it is read from, so sizes divide.
    a, b = cosine / width_scale, (slope * cosine - sine) / width_scale
    c, d = sine / height_scale, (slope * sine + cosine) / height_scale
    x, y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2  # the middle, which only `shift` moves
    zero = tf.zeros_like(a)
    rows = [a, b, x - a * x - b * y + right * shift, c, d, y - c * x - d * y + down * shift, zero, zero]
    return keras.ops.image.affine_transform(images, tf.stack(rows, axis=1), fill_mode="constant")


def augmented_batches(images, labels, batch_size: int, seed: int = 0, **strengths: float) -> tf.data.Dataset:
    """Shuffled batches for training, augmented anew in every epoch.

    Args:
        images: (N, H, W, C), any numeric type.
        labels: (N,).
        batch_size: images in a batch; what is left over at the end of an epoch's order sits that epoch out.
        seed: fixes the orders and the augmentations of all epochs.
        **strengths: `rotation`, `zoom`, `shear` and `shift` of `augment`.

    Returns:
        Pairs of (batch_size, H, W, C) and (batch_size,).

    Raises:
        ValueError: `images` and `labels` differ in number, or `batch_size` is above it.
    """
    _refuse_unfit(images, labels, batch_size)
    pairs = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images), seed=seed)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    batches = tf.data.Dataset.zip(pairs.batch(batch_size, drop_remainder=True), seeds)
    batches = batches.map(lambda pair, draw: (augment(pair[0], draw, **strengths), pair[1])).prefetch(4)
    # Autotuning checks its clock at 10, 20, 40, ... ms and is waited for at the end of every epoch: seconds lost.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def fit_recipe(model: keras.Model, images, labels, epochs: int, seed: int = 0, peak: float = 3e-3) -> dict:
    """Train a classifier of digits by the short recipe: augmented batches of 128, smoothed labels, AdamW, one cycle.

    The schedule is fixed beforehand and nothing is evaluated on the way, so the seconds are those of training alone.

    Args:
        model: gives logits (N, classes) for images (N, H, W, C); compiled here.
        images: (N, H, W, C) uint8 or float32, in the range that `model` takes.
        labels: (N,) integers.
        epochs: passes over `images`.
        seed: fixes orders and augmentations; the starting weights are fixed where the model is built.
        peak: highest learning rate.

    Returns:
        "epochs", "seconds" of training, and "loss", the mean loss of each epoch on the augmented images; smoothing
        keeps it above 0.5 for ten classes.

    Raises:
        ValueError: `epochs` is not positive, or `images` and `labels` differ in number.
    """
    if not epochs >= 1:
        raise ValueError(f"`epochs` needs at least 1 pass; received {epochs!r}.")
    batches = augmented_batches(images, labels, min(128, len(images)), seed, **DIGIT_STRENGTHS)
    optimizer = keras.optimizers.AdamW(one_cycle(peak, epochs * len(batches)), weight_decay=0.01)
    compiled(model, optimizer, smoothed_cross_entropy(DIGIT_SMOOTHING))
    start = time.perf_counter()
    history = model.fit(batches, epochs=epochs, verbose=0)
    return {"epochs": epochs, "seconds": time.perf_counter() - start, "loss": history.history["loss"]}
