"""The images that AWS keeps for SageMaker: the built-in NTM, PyTorch's framework containers, and Spark's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from training_scripts.script_mode.layout import CONTAINER_PYTHON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training_scripts.script_mode.manifest import Processor

REPOSITORY: Final = "ntm"
TAG: Final = "1"

REGISTRY_ACCOUNTS: Final = {
    "af-south-1": "455444449433",
    "ap-east-1": "286214385809",
    "ap-northeast-1": "351501993468",
    "ap-northeast-2": "835164637446",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "991648021394",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "475088953585",
    "ap-southeast-2": "712309505854",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "469771592824",
    "ca-west-1": "190319476487",
    "cn-north-1": "390948362332",
    "cn-northwest-1": "387376663083",
    "eu-central-1": "664544806723",
    "eu-central-2": "680994064768",
    "eu-north-1": "669576153137",
    "eu-south-1": "257386234256",
    "eu-south-2": "104374241257",
    "eu-west-1": "438346466558",
    "eu-west-2": "644912444149",
    "eu-west-3": "749696950732",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "249704162688",
    "sa-east-1": "855470959533",
    "us-east-1": "382416733822",
    "us-east-2": "404615174143",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "226302683700",
    "us-iso-east-1": "490574956308",
    "us-isob-east-1": "765400339828",
    "us-isof-east-1": "108575199400",
    "us-isof-south-1": "124985052026",
    "us-west-1": "632365934929",
    "us-west-2": "174872318107",
}
"""Account by region, as the SageMaker SDK's own table has it (ntm.json in sagemaker-core); a test compares them."""

NO_FRAMEWORK_CONTAINERS: Final = ("us-iso",)
"""Partitions for which the SageMaker SDK knows no framework containers, which `algorithm: open` runs in."""

TRAINING_VERSION: Final = "2.8.0"
INFERENCE_VERSION: Final = "2.6.0"
"""Of PyTorch: the newest of each that the SageMaker SDK knows, both with CONTAINER_PYTHON; a test compares."""
TRAINING_REPOSITORY: Final = "pytorch-training"
INFERENCE_REPOSITORY: Final = "pytorch-inference"

_MOST_REGIONS: Final = "763104351884"
FRAMEWORK_ACCOUNTS: Final = {
    **{region: _MOST_REGIONS for region in REGISTRY_ACCOUNTS if not region.startswith(NO_FRAMEWORK_CONTAINERS)},
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}
"""Account by region, as the SDK's pytorch.json has it, of the regions that the service can be in; a test compares."""


@dataclass(frozen=True, eq=False)
class Image:
    """An image that AWS keeps in a registry account of each region.

    Attributes:
        called: how a refusal names it.
        accounts: account by region.
    """

    repository: str
    tag: str
    called: str
    accounts: Mapping[str, str]


BUILTIN: Final = Image(REPOSITORY, TAG, "NTM image", REGISTRY_ACCOUNTS)


def _framework(repository: str, version: str, processor: Processor) -> Image:
    tag = f"{version}-{processor}-py{CONTAINER_PYTHON.replace('.', '')}"
    return Image(repository, tag, "PyTorch container", FRAMEWORK_ACCOUNTS)


OPEN_TRAINING: Final[Mapping[Processor, Image]] = {
    "cpu": _framework(TRAINING_REPOSITORY, TRAINING_VERSION, "cpu"),
    "gpu": _framework(TRAINING_REPOSITORY, TRAINING_VERSION, "gpu"),
}
OPEN_HOSTING: Final = _framework(INFERENCE_REPOSITORY, INFERENCE_VERSION, "cpu")
"""The open NTM serves with NumPy: a GPU would stand idle."""

SPARK_REPOSITORY: Final = "sagemaker-spark-processing"
SPARK_VERSION: Final = "3.5"
SPARK_ACCOUNTS: Final = {
    "af-south-1": "309385258863",
    "ap-east-1": "732049463269",
    "ap-northeast-1": "411782140378",
    "ap-northeast-2": "860869212795",
    "ap-northeast-3": "102471314380",
    "ap-south-1": "105495057255",
    "ap-south-2": "873151114052",
    "ap-southeast-1": "759080221371",
    "ap-southeast-2": "440695851116",
    "ap-southeast-3": "800295151634",
    "ap-southeast-4": "819679513684",
    "ca-central-1": "446299261295",
    "ca-west-1": "000907499111",
    "cn-north-1": "671472414489",
    "cn-northwest-1": "844356804704",
    "eu-central-1": "906073651304",
    "eu-central-2": "142351485170",
    "eu-north-1": "330188676905",
    "eu-south-1": "753923664805",
    "eu-south-2": "833944533722",
    "eu-west-1": "571004829621",
    "eu-west-2": "836651553127",
    "eu-west-3": "136845547031",
    "il-central-1": "408426139102",
    "me-central-1": "395420993607",
    "me-south-1": "750251592176",
    "sa-east-1": "737130764395",
    "us-east-1": "173754725891",
    "us-east-2": "314815235551",
    "us-gov-east-1": "260923028637",
    "us-gov-west-1": "271483468897",
    "us-west-1": "667973535471",
    "us-west-2": "153931337802",
}
"""Account by region, as the SDK's spark.json has it, of the regions that the service can be in; a test compares."""
SPARK: Final = Image(
    SPARK_REPOSITORY,
    f"{SPARK_VERSION}-cpu-py{CONTAINER_PYTHON.replace('.', '')}",
    "Spark container",
    SPARK_ACCOUNTS,
)
"""What prepares corpora that are larger than one machine."""

ALL: Final = (BUILTIN, *OPEN_TRAINING.values(), OPEN_HOSTING, SPARK)
