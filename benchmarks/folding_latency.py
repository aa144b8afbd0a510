"""What folding buys: latency of one image with batch norm, folded, and in a network that never had any.

The network without batch norm is the limit: the same layers and shapes, built by leaving the batch norms out. The three
take turns in every round, so that a slow moment hits all of them; a ratio is the median over the rounds. TensorFlow and
TensorFlow Lite run on one thread, and its processor time is measured: on an idle machine that is the latency, and other
programs change it little.

The ways: `eager` (layer by layer), `tf.function` (a graph with variables), `frozen` (the same graph with its variables
made constants), `XLA` (`jit_compile=True`), and TensorFlow Lite in float32, with 8-bit weights (`dynamic`) and with
everything in 8 bits (`int8`). With `--out` the results are kept in a file, one line of JSON for each network and way;
chapter 07 shows those in `data/results/folding_latency.jsonl`.

    python -m benchmarks.folding_latency [--rounds N] [--networks NAME ...] [--ways WAY ...] [--out FILE] [--json]
"""

import argparse
import contextlib
import io
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks import _records
from cnnlab import folding, models, transfer

NETWORKS = {
    "mobilenet": {"side": 96, "width": 0.5},
    "resnet18": {"side": 32, "width": 0.5},
    "efficientnet_lite0": {"side": 224, "weights": "imagenet"},
}
WAYS = ("eager", "tf.function", "frozen", "XLA", "TFLite float32", "TFLite dynamic", "TFLite int8")
TARGET = 1.02  # folded over never had any
FEWEST, PATIENCE = 9, 12  # rounds, and the processor seconds after which no further round is begun
CALLS = 2  # of one network before the next has its turn; their mean is one measurement


def network(name: str) -> keras.Model:
    """A network of the course, trained or with batch norms of random statistics: nothing can be left out as neutral."""
    settings = NETWORKS[name]
    if "weights" in settings:
        return transfer.classifier(name, settings["weights"])
    model = models.build(name, (settings["side"], settings["side"], 3), 10, width=settings["width"])
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            values = [generator.uniform(0.5, 1.5, shape), generator.normal(0, 0.5, shape)]
            layer.set_weights([*values, generator.normal(0, 0.5, shape), generator.uniform(0.5, 2, shape)])
    return model


def without_batch_norm(model: keras.Model) -> keras.Model:
    """The network as it would be built without batch norm: none of its layers, and a bias in every convolution."""

    def copy(layer):
        config = layer.get_config()
        return type(layer).from_config(config | {"use_bias": True} if "use_bias" in config else config)

    def call(layer, *arguments, **options):
        is_batch_norm = isinstance(layer, keras.layers.BatchNormalization)
        return arguments[0] if is_batch_norm else layer(*arguments, **options)

    return keras.models.clone_model(model, clone_function=copy, call_function=call)


def runner(model: keras.Model, way: str, images: np.ndarray) -> Callable[[], np.ndarray]:
    """A function without arguments that computes the output for the first image in one of the ways."""
    image = tf.constant(images[:1])
    if way == "eager":
        return lambda: model(image, training=False).numpy()
    signature = tf.TensorSpec(image.shape, tf.float32)
    function = tf.function(lambda x: model(x, training=False), jit_compile=way == "XLA")
    if way in ("tf.function", "XLA"):
        return lambda: function(image).numpy()
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(signature))
    if way == "frozen":
        return lambda: frozen(image)[0].numpy()  # noqa: PLW0108 - the call is what is timed
    return tflite_runner(tf.lite.TFLiteConverter.from_concrete_functions([frozen]), way, images)


def tflite_runner(converter, way: str, images: np.ndarray) -> Callable[[], np.ndarray]:
    """The same in TensorFlow Lite. With `int8` the images choose the ranges of the 8-bit numbers."""
    if way != "TFLite float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if way == "TFLite int8":
        converter.representative_dataset = lambda: ([image[None]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    # The interpreter announces a newer home (ai_edge_litert), which is not needed for a comparison.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=converter.convert(), num_threads=1)
    interpreter.allocate_tensors()
    put, take = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    image = images[:1]
    if way == "TFLite int8":
        scale, zero = put["quantization"]
        image = np.clip(np.round(image / scale + zero), -128, 127).astype("int8")

    def run():
        interpreter.set_tensor(put["index"], image)
        interpreter.invoke()
        return interpreter.get_tensor(take["index"])

    return run


def measure(name: str, way: str, rounds: int) -> dict:
    """Median milliseconds of the three networks in one way, and the medians of the ratios within the rounds."""
    model = network(name)
    trio = {"batch norm": model, "folded": folding.fold_batch_norm(model), "never had any": without_batch_norm(model)}
    assert trio["folded"].count_params() == trio["never had any"].count_params() < model.count_params()
    side = NETWORKS[name]["side"]
    images = np.random.default_rng(1).uniform(0, 255, (16, side, side, 3)).astype("float32")
    runners = {kind: runner(network, way, images) for kind, network in trio.items()}
    if way != "TFLite int8":  # there the outputs are 8-bit numbers with scales of their own
        before, after = runners["batch norm"](), runners["folded"]()
        within = 0.2 if way == "TFLite dynamic" else 1e-4
        assert np.abs(before - after).max() < within * np.abs(before).max(), (name, way)
    for run in runners.values():
        for _ in range(3):
            run()
    seconds = {kind: [] for kind in runners}
    start = time.process_time()
    for turn in range(rounds):
        if turn >= FEWEST and time.process_time() - start > PATIENCE:
            break
        order = list(runners)[turn % 3 :] + list(runners)[: turn % 3]
        for kind in order:
            seconds[kind].append(_seconds(runners[kind]))
    ratios = {
        kind: statistics.median(a / b for a, b in zip(seconds[kind], seconds["never had any"], strict=True))
        for kind in ("batch norm", "folded")
    }
    return {
        "network": name,
        "way": way,
        "milliseconds": {kind: round(1e3 * statistics.median(values), 4) for kind, values in seconds.items()},
        "ratio": {kind: round(ratio, 4) for kind, ratio in ratios.items()},
        "met": ratios["folded"] <= TARGET,
        "rounds": len(seconds["folded"]),
        "calls": CALLS,
        "settings": NETWORKS[name] | {"parameters": trio["folded"].count_params(), "batch": 1, "threads": 1},
        "command": "python -m benchmarks.folding_latency --out data/results/folding_latency.jsonl",
        "machine": _machine(),
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
    }


def _seconds(run: Callable) -> float:
    """Mean processor time of some calls."""
    start = time.process_time()
    for _ in range(CALLS):
        run()
    return (time.process_time() - start) / CALLS


def _machine() -> str:
    """Processor and number of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores"


def keep(path: Path, record: dict) -> None:
    """Put a record into a file in place of the one of the same network and way; whole or not at all."""
    places = {(name, way): place for place, (name, way) in enumerate((n, w) for n in NETWORKS for w in WAYS)}
    records = {(one["network"], one["way"]): one for one in [*_records.read(path), record]}
    _records.write(path, sorted(records.values(), key=lambda one: places[one["network"], one["way"]]))


def show(records: list[dict]) -> None:
    """Print the records as one table."""
    heads = f"{'network':18} {'way':15} {'batch norm':>11} {'folded':>9} {'never':>9}"
    print(f"{heads} {'batch norm/never':>17} {'folded/never':>13}  at most {TARGET}")
    for record in records:
        times = record["milliseconds"]
        print(
            f"{record['network']:18} {record['way']:15} {times['batch norm']:8.3f} ms {times['folded']:6.3f} ms "
            f"{times['never had any']:6.3f} ms {record['ratio']['batch norm']:17.3f} {record['ratio']['folded']:13.3f}"
            f"  {'met' if record['met'] else 'MISSED'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=500, help="how often each network takes its turn, time allowing")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--out", type=Path, help="file to keep the results in, one line of JSON each")
    parser.add_argument("--json", action="store_true", help="print the records as JSON")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds needs a positive integer; received {options.rounds}")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    records = []
    for name in options.networks:
        for way in options.ways:
            keras.utils.set_random_seed(0)
            records.append(measure(name, way, options.rounds))
            if options.out:
                keep(options.out, records[-1])
            print(json.dumps(records[-1]), file=sys.stderr, flush=True)
            keras.utils.clear_session(free_memory=True)
    print(json.dumps(records, indent=1)) if options.json else show(records)


if __name__ == "__main__":
    main()
