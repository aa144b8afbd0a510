"""Batch-norm folding: multiply a trained batch norm into the convolution or dense layer before it.

`explain(model)` says for every batch norm whether it folds, and if not, why; `fold_batch_norm(model)` builds the model
without those that do; `fold_weights` is the formula; `export(model, path)` writes what is left for phones and other
frameworks. Which batch norms fold is decided in `plan`, done in `surgery`.
"""

from cnnlab.folding.exporting import export
from cnnlab.folding.plan import BatchNormRow, Explanation, explain
from cnnlab.folding.surgery import fold_batch_norm, fold_weights

__all__ = ["BatchNormRow", "Explanation", "explain", "export", "fold_batch_norm", "fold_weights"]
