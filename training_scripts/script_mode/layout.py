"""Where things lie in the bundle of code and wheels, and in the containers it travels to. Standard library only."""

from __future__ import annotations

from typing import Final

CODE_CHANNEL: Final = "code"
"""The training channel that brings the bundle: with a network or without, SageMaker's own agent fetches it."""
CONTAINER_ROOT: Final = "/opt/ml"
ROOT_VARIABLE: Final = "SAGEMAKER_BASE_DIR"
"""The toolkits' own variable for another root than /opt/ml."""
SUBMIT_DIRECTORY: Final = f"{CONTAINER_ROOT}/input/data/{CODE_CHANNEL}"
TRAINING_PROGRAM: Final = "train_open_ntm.py"
TOOLKIT_HYPERPARAMETERS: Final = "sagemaker_"
"""How the names of those begin that the training toolkit reads, and keeps from the program's arguments."""

MODEL_CODE_FOLDER: Final = "code"
"""In the model folder; PyTorch's serving container puts it on Python's path and installs its requirements.txt."""
MODEL_SUBMIT_DIRECTORY: Final = f"{CONTAINER_ROOT}/model/{MODEL_CODE_FOLDER}"
SERVING_PROGRAM: Final = "inference.py"

CONTAINER_PYTHON: Final = "3.12"
"""Of the images in stacks/shared/algorithm_images.py."""
PACKAGE: Final = "training_scripts"
REQUIREMENTS_FILE: Final = "requirements.txt"
WHEELS_FOLDER: Final = "wheels"
SERVING_FOLDER: Final = "serving"
"""In the bundle: the files that become the model's code, beside the package and some of the wheels."""
MANIFEST_NAME: Final = "bundle.json"
DEFAULT_FOLDER: Final = "build/open-ntm"
"""From the project's root; a folder a processor."""
MAKE_COMMAND: Final = "make open-bundle"

SPARK_FOLDER: Final = "build/spark-bundle"
SPARK_COMMAND: Final = "make spark-bundle"
SPARK_PROGRAM: Final = "prepare_corpus.py"
PROCESSING_ROOT: Final = f"{CONTAINER_ROOT}/processing"
"""Below it a processing job has its inputs and its output, each in a folder of its own."""


def bundle_command(processor: str) -> str:
    """Return the command that makes the bundle of a processor."""
    if processor == "spark":
        return SPARK_COMMAND
    return MAKE_COMMAND if processor == "cpu" else f"{MAKE_COMMAND} PROCESSOR={processor}"


def bundle_folder(processor: str) -> str:
    """Return where the bundle of a processor is, from the project's root."""
    return SPARK_FOLDER if processor == "spark" else f"{DEFAULT_FOLDER}/{processor}"
