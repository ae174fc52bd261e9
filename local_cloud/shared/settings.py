"""What may be chosen about the local cloud: where it keeps its files, what it runs, and its limits."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.shared.errors import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_HOME = PROJECT_ROOT / "build" / "local_cloud"
ACCOUNT = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True)
class ContainerCommands:
    """What stands for an image: the programs of its `train` and `serve` entry points.

    Both are given `--root <folder>`, the folder that is /opt/ml in a container; `serve` is also given
    `--port <port> --bind 127.0.0.1`.
    """

    train: tuple[str, ...]
    serve: tuple[str, ...]


NTM = ContainerCommands(
    train=(sys.executable, "-m", "training_scripts.train"),
    serve=(sys.executable, "-m", "training_scripts.serve"),
)

_NO_ENTRY_POINT = (sys.executable, "-c", "raise SystemExit('exec: executable file not found in $PATH')")
PYTORCH_TRAINING = ContainerCommands(
    train=(sys.executable, "-m", "local_cloud.script_mode.train"), serve=_NO_ENTRY_POINT
)
PYTORCH_INFERENCE = ContainerCommands(
    train=_NO_ENTRY_POINT, serve=(sys.executable, "-m", "local_cloud.script_mode.serve")
)
SPARK_SUBMIT = str(PROJECT_ROOT / ".venv-spark" / "bin" / "spark-submit")
SPARK = ("smspark-submit", sys.executable, "-m", "local_cloud.spark_submit", SPARK_SUBMIT, "--master", "local[2]")
"""What a processing container's entry point begins with, and what stands for that here: Spark in local mode."""
IMAGES = {"ntm": NTM, "pytorch-training": PYTORCH_TRAINING, "pytorch-inference": PYTORCH_INFERENCE}

_PROGRAMS = frozenset({"containers", "processing"})


@dataclass(frozen=True)
class LocalCloudSettings:
    """The typed settings of one local cloud. Times are in seconds, sizes as their names say.

    Attributes:
        containers: by image repository, the programs to run; any other repository cannot be pulled here.
        processing: by image repository, the first word of a processing job's entry point and the program instead of it.
        max_training_instances: as AWS counts them, over all running training jobs; also for the two below.
        max_process_memory_mb: resident memory of one instance, its child processes included.
        stop_grace_s: between SIGTERM and SIGKILL; SageMaker gives 120.
        ping_timeout_s: how long a new endpoint instance has to answer /ping.
        autoscaling_minute_s: how long a minute of Application Auto Scaling lasts. It shortens evaluation
            periods and cooldowns; rates stay per real minute, so that targets keep their meaning.
        rollout_clock_rate: how many seconds of a rollout's waits, and of those of state machines, pass in
            one. They stay as they were asked for; their clock goes faster, and a rollout's can be put forward
            (`LocalCloud.advance_clock`).
    """

    containers: Mapping[str, ContainerCommands] = field(default_factory=lambda: dict(IMAGES))
    processing: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"sagemaker-spark-processing": SPARK})
    max_training_instances: int = 4
    max_endpoint_instances: int = 8
    max_transform_instances: int = 4
    max_processing_instances: int = 4
    max_process_memory_mb: int = 2048
    stop_grace_s: float = 30.0
    ping_timeout_s: float = 60.0
    invocation_timeout_s: float = 60.0
    autoscaling_minute_s: float = 60.0
    rollout_clock_rate: float = 60.0

    def __post_init__(self) -> None:
        """Refuse numbers that are not positive, by name."""
        for name, value in self._numbers().items():
            if value <= 0:
                raise LocalCloudError(f"{name} is {value}: it must be greater than 0")

    def to_json(self) -> str:
        """Write these settings for the launcher."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> LocalCloudSettings:
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        containers = {
            name: ContainerCommands(train=tuple(commands["train"]), serve=tuple(commands["serve"]))
            for name, commands in raw.pop("containers").items()
        }
        processing = {name: tuple(program) for name, program in raw.pop("processing").items()}
        return cls(containers=containers, processing=processing, **raw)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LocalCloudSettings:
        """Read LOCAL_CLOUD_<NAME> for each number above, for example LOCAL_CLOUD_AUTOSCALING_MINUTE_S=2.

        Raises:
            LocalCloudError: a value is no number, or a name is not a setting.
        """
        prefix = "LOCAL_CLOUD_"
        types = {item.name: type(item.default) for item in fields(cls) if isinstance(item.default, int | float)}
        chosen: dict[str, float] = {}
        for variable, text in environment.items():
            if not variable.startswith(prefix):
                continue
            name = variable.removeprefix(prefix).lower()
            if name not in types:
                raise LocalCloudError(f"{variable} is not a setting; the settings are {', '.join(sorted(types))}")
            try:
                chosen[name] = types[name](text)
            except ValueError:
                raise LocalCloudError(f"{variable} is {text!r}: it must be a number") from None
        return cls(**chosen)  # type: ignore[arg-type]

    def _numbers(self) -> dict[str, float]:
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name not in _PROGRAMS}
