"""What AutoKeras may build: the spaces of networks that a search chooses from, none of which needs a download."""

from importlib.metadata import PackageNotFoundError, version

SPACES = {
    "small": "one to three blocks of one or two convolutions with 8 to 32 kernels: seconds an epoch on a laptop",
    "vanilla": "AutoKeras' plain convolution blocks with 16 to 512 kernels, its optimizers and learning rates",
    "residual": "the ResNets of keras.applications, 50 to 152 layers deep, for a GPU",
    "all": "plain blocks, ResNets, Xception and EfficientNets, for a GPU and hours",
}
NEWEST_KERAS = (3, 12)


def require() -> None:
    """See to it that AutoKeras is there and works with the Keras that is there.

    Raises:
        ImportError: it does not; the message says what to install.
    """
    install = '`pip install "keras<3.13" autokeras==3.0.0 keras-tuner==1.4.8 tensorboard`, and restart Python'
    for package in ("autokeras", "keras-tuner"):
        try:
            version(package)
        except PackageNotFoundError:
            raise ImportError(f"a search needs the package {package}, which is not installed: {install}.") from None
    installed = version("keras")
    if tuple(int(part) for part in installed.split(".")[:2]) > NEWEST_KERAS:
        raise ImportError(
            f"AutoKeras 3.0.0 works with Keras up to 3.12, and Keras {installed} is installed. From 3.13 on, Dense "
            f"refuses the NumPy integers that AutoKeras passes to it: {install}."
        )


def graph(space: str, input_shape: tuple[int, int, int], classes: int, images: int, epochs: int):
    """AutoKeras' graph of a space: what turns a choice of values into a compiled network.

    Args:
        space: one of `SPACES`.
        input_shape: (height, width, channels) of an image.
        classes: number of classes.
        images: number of images that a network is trained on; some of AutoKeras' schedules depend on it.
        epochs: passes over them, likewise.

    Returns:
        A `keras_tuner.HyperModel`; `build(graph, hyperparameters)` makes a network of it.
    """
    require()
    import autokeras
    import keras
    from autokeras.graph import Graph

    keras.utils.clear_session(free_memory=False)  # AutoKeras numbers its blocks, and finds values by those names
    inputs = autokeras.ImageInput()
    # One output a class, for two classes too: every network of a search ends in the same way.
    loss = keras.losses.CategoricalCrossentropy()
    head = autokeras.ClassificationHead(num_classes=classes, loss=loss)
    x = inputs
    if space in ("small", "vanilla", "residual"):
        x = autokeras.Normalization()(x)
    outputs = head(_block(space)(x))
    found = Graph(inputs=inputs, outputs=outputs)
    inputs.shape, inputs.dtype, inputs.batch_size, inputs.num_samples = input_shape, "float32", 32, images
    head.shape, head.loss = (classes,), loss
    found.set_fit_args(0, epochs=epochs)
    return found


def _block(space: str):
    import autokeras
    from keras_tuner.engine import hyperparameters

    if space == "small":
        return autokeras.ConvBlock(
            kernel_size=hyperparameters.Choice("kernel_size", [3, 5], default=3),
            filters=hyperparameters.Choice("filters", [8, 16, 32], default=16),
            max_pooling=True,
            separable=False,
        )
    if space == "vanilla":
        return autokeras.ConvBlock()
    if space == "residual":
        return autokeras.ResNetBlock(pretrained=False)
    return _offline_image_block()


def _offline_image_block():
    """AutoKeras' block for images, without the choice of pretrained weights, which it would download."""
    import autokeras

    class OfflineImageBlock(autokeras.ImageBlock):
        def _build_block(self, hp, output_node, block_type):
            blocks = {
                "resnet": autokeras.ResNetBlock,
                "xception": autokeras.XceptionBlock,
                "efficient": autokeras.EfficientNetBlock,
            }
            if block_type in blocks:
                return blocks[block_type](pretrained=False).build(hp, output_node)
            return super()._build_block(hp, output_node, block_type)

    return OfflineImageBlock(augment=False)


def fixed(space: str):
    """The values of a space that are not searched, as KerasTuner takes them."""
    import keras_tuner

    values = keras_tuner.HyperParameters()
    if space == "small":  # most of AutoKeras' rates and optimizers learn little in the few passes of a short search
        values.Fixed("optimizer", "adam")
        values.Fixed("learning_rate", 1e-3)
    if space == "residual":
        values.Fixed("res_net_block_1/imagenet_size", False)  # or small pictures are enlarged to 224 x 224
    return values


def first_values(space: str) -> list[dict]:
    """What a search tries first: AutoKeras' own first guess for images, where it lies in the space."""
    if space not in ("small", "vanilla"):
        return []
    from autokeras.tuners.task_specific import IMAGE_CLASSIFIER

    guess = {name.removeprefix("image_block_1/"): value for name, value in IMAGE_CLASSIFIER[0].items()}
    own = {name: value for name, value in guess.items() if name not in ("block_type", "normalize", "augment")}
    if space == "small":
        own |= {"conv_block_1/filters_0_0": 16, "conv_block_1/filters_0_1": 32}
        own = {name: value for name, value in own.items() if not name.endswith(("max_pooling", "separable"))}
    return [own]


def build(found, values):
    """The compiled network that a graph makes of a choice of values.

    Args:
        found: what `graph` gave.
        values: `keras_tuner.HyperParameters`; values that the network asks for and that are missing are added.
    """
    import keras

    keras.utils.clear_session(free_memory=False)  # the blocks inside blocks are numbered anew for each network
    return found.build(values)


def used(values) -> dict:
    """Of values with which a network was built, those that it asked for.

    AutoKeras' oracle draws the kernels of a third block for a network of two blocks, too.

    Args:
        values: `keras_tuner.HyperParameters` that were empty but for values before `build`.
    """
    return {choice.name: values.values[choice.name] for choice in values.space if values.is_active(choice)}
