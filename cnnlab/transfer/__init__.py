"""Networks that were trained before, what they make of pictures, and the student's own pictures."""

from cnnlab.transfer.features import features
from cnnlab.transfer.networks import backbone, class_names, classifier, decode
from cnnlab.transfer.pictures import Skipped, from_folder

__all__ = ["Skipped", "backbone", "class_names", "classifier", "decode", "features", "from_folder"]
