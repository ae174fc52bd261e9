"""The member of a model.tar.gz that notebooks of the built-in NTM read: the ZIP file model_algo-1, with `params` in it.

`params` is a file of MXNet's arrays, in which `arg:projection_weight` is the decoder, (feature_dim, topics). AWS's
example reads it so:
https://sagemaker-examples.readthedocs.io/en/latest/introduction_to_applying_machine_learning/ntm_20newsgroups_topic_modeling/ntm_20newsgroups_topic_model.html
What is written here has no symbol.json: the open NTM is no graph of MXNet's.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Final

from training_scripts import mxnet_arrays

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

MEMBER: Final = "model_algo-1"
MEMBERS: Final = "model_algo-*"
"""The built-in leaves one an instance."""
PARAMETERS: Final = "params"
_ZIP64_FROM_BYTES: Final = 1 << 30
DECODER, BIAS = "arg:projection_weight", "arg:projection_bias"


def write(folder: Path, topics: npt.NDArray[np.float32], background: npt.NDArray[np.float32]) -> None:
    """Write the member beside the model's own files; the same arrays make the same bytes.

    Args:
        folder: of the model.
        topics: the decoder, (topics, feature_dim).
        background: its bias, (feature_dim,).
    """
    # A ZipInfo of its own: of a file's name alone ZipFile would make one with this moment's time.
    member = zipfile.ZipInfo(PARAMETERS)
    is_large = topics.nbytes + background.nbytes >= _ZIP64_FROM_BYTES
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / MEMBER, "w") as archive, archive.open(member, "w", force_zip64=is_large) as file:
        mxnet_arrays.write(file, {DECODER: topics.T, BIAS: background})
