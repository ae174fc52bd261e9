"""Which of AWS's images train and serve a stage: the built-in NTM's, or the open one's framework containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.aws_images import BUILTIN, OPEN_HOSTING, OPEN_TRAINING, Image
from stacks.settings import instance_types

if TYPE_CHECKING:
    from stacks.settings.stage import StageSettings
    from training_scripts.script_mode.manifest import Processor


def processor(settings: StageSettings) -> Processor:
    """Return what the stage trains on."""
    return "gpu" if instance_types.has_gpu(settings.training.instance_type) else "cpu"


def training(settings: StageSettings) -> Image:
    """Return the image that trains."""
    return BUILTIN if settings.algorithm == "builtin" else OPEN_TRAINING[processor(settings)]


def hosting(settings: StageSettings) -> Image:
    """Return the image that serves, behind an endpoint and in batch transform."""
    return BUILTIN if settings.algorithm == "builtin" else OPEN_HOSTING
