"""A model as a file for a phone or another framework, kept only if it computes the same there."""

from pathlib import Path

import keras
import numpy as np

from cnnlab.pixels import rescales

INSTALL = 'An .onnx file needs the packages tf2onnx, onnx and onnxruntime: `pip install "cnnlab[export]"`.'


def export(model: keras.Model, path: str | Path, images=None, within: float = 1e-3) -> float:
    """Write a model to a .tflite or an .onnx file, run that file, and compare the outputs with the model's.

    TensorFlow converts to TFLite itself. To ONNX Keras' own `model.export` is used, which goes through tf2onnx: the one
    converter that Keras 3 supports on TensorFlow. Fold first: neither format needs batch norms.

    Args:
        model: built, with one input and one output whose sizes but the batch are closed.
        path: where the file goes, whole or not at all; its ending says the format.
        images: (N, ...) to compare on; None draws four at random, pixels from 0 to 255 where the model scales them.
        within: largest difference allowed, as a share of the largest output.

    Returns:
        The largest difference of any output, as a share of the largest output.

    Raises:
        ValueError: another ending, open sizes, images of another shape, or outputs that differ by more than `within`.
        ImportError: the packages for ONNX are not installed.
    """
    path = Path(path)
    formats = {".tflite": (_write_tflite, _run_tflite), ".onnx": (_write_onnx, _run_onnx)}
    if path.suffix not in formats:
        raise ValueError(f"`path` needs to end in .tflite or .onnx; received {str(path)!r}.")
    sizes = model.input_shape[1:] if isinstance(model.input_shape, tuple) else (None,)
    if None in sizes or not isinstance(model.output_shape, tuple):
        raise ValueError(f"`model` needs one input of closed sizes and one output; its input is {model.input_shape}.")
    if images is None:
        images = np.random.default_rng(0).uniform(0, 255 if rescales(model) else 1, (4, *sizes))
    images = np.asarray(images, "float32")
    if images.shape[1:] != sizes or not len(images):
        raise ValueError(f"`images` needs the shape (N, {', '.join(map(str, sizes))}); received {images.shape}.")
    write, run = formats[path.suffix]
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        # First, since Keras exports no model that was never called.
        expected = np.asarray(model(images, training=False))
        write(model, partial)
        difference = float(np.abs(run(partial, images) - expected).max() / max(np.abs(expected).max(), 1e-12))
        if not difference <= within:
            raise ValueError(
                f"{path.name} computes something else: its outputs differ by {difference:.2g} of the largest."
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return difference


def _write_tflite(model: keras.Model, path: Path) -> None:
    import tensorflow as tf

    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def _run_tflite(path: Path, images: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(str(path))
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.allocate_tensors()
    outputs = []
    for image in images:
        interpreter.set_tensor(given["index"], image[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(made["index"])[0])
    return np.array(outputs)


def _write_onnx(model: keras.Model, path: Path) -> None:
    try:
        import onnxruntime  # noqa: F401 - the one that is asked for last
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(INSTALL) from error
    model.export(path, format="onnx", verbose=False)


def _run_onnx(path: Path, images: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]
