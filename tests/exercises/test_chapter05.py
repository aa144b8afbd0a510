"""Exercises of chapter 05 whose right answers are properties of networks, and a target that any seed reaches."""

import keras
import pytest

from cnnlab import exercises, models
from cnnlab.exercises import chapter05


def test_the_configuration_asked_for_is_the_one_that_the_course_builds():
    with models.blueprints():
        model = models.build("vggc", (224, 224, 1), 1000)
        assert chapter05._differs_from_vgg_c(model, (224, 224, 1), 4096, 1000) is None
        other = models.build("vggd", (224, 224, 1), 1000)
        assert chapter05._differs_from_vgg_c(other, (224, 224, 1), 4096, 1000) == (
            "layer 9 (convolutions, pools and dense layers counted): expected Conv2D 1×1 to (56, 56, 256), "
            "got Conv2D 3×3 to (56, 56, 256)"
        )


def test_a_configuration_with_layers_of_activation_or_with_one_layer_more_is_judged_by_what_it_computes():
    source = exercises.find("05.2").solution
    apart = source.replace(', activation="relu")(x)', ")(x)\n            x = layers.ReLU()(x)", 1)
    assert apart != source
    assert exercises.check("05.2", exercises._answer_of(apart))
    longer = source.replace(
        "return keras.Model(inputs, layers.Dense(classes)(x))",
        "return keras.Model(inputs, layers.Dense(classes)(layers.Dense(classes)(x)))",
    )
    with models.blueprints():
        model = exercises._answer_of(longer)((32, 64, 3), 8, 5)
    assert "expected 21" in chapter05._differs_from_vgg_c(model, (32, 64, 3), 8, 5)


def test_the_unit_asked_for_is_the_one_that_the_course_builds():
    from cnnlab.models.resnet import residual_unit

    def answer(x, channels, stride):
        convolutions = [(channels, 1), (channels, 3), (4 * channels, 1)]
        return residual_unit(x, convolutions, [stride, 1, 1], "projection", "unit")

    assert chapter05._check_bottleneck(answer) is None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_target_of_the_training_is_reached_with_any_seed(seed):
    keras.utils.set_random_seed(seed)
    assert exercises.check("05.6", exercises._answer_of(exercises.find("05.6").solution))


def test_the_budget_does_not_admit_the_networks_of_the_chapters():
    for name in ("lenet5", "digitnet", "cifarnet"):
        with models.blueprints():
            assert (
                models.build(name, (28, 28, 1) if name != "cifarnet" else (32, 32, 3), 10).count_params()
                > chapter05.LARGEST
            )
