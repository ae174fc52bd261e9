"""A local cloud for the clients, a role, and the counts of 20 Newsgroups that the tutorial is about."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from scipy.sparse import vstack

from local_cloud import LocalCloud
from tests.local_cloud.support import root_of
from training_scripts import prepare, recordio
from training_scripts.corpus.manifest import CorpusManifest

ROOT, SCRIPTS = Path(__file__).parents[2], Path(__file__).parent / "scripts"
ARCHIVE = ROOT.parent / "shared" / "data" / "20news-bydate.tar.gz"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# SDK v3 asks IAM whether a role has every right that any training could need.
POLICIES = ("AmazonSageMakerFullAccess", "AmazonS3FullAccess")


def run(
    version: str, *command: str | Path, environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run the Python of an SDK's own environment in a folder, and return what it did well; skip where there is none."""
    python = ROOT / f".venv-sdk-{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no .venv-sdk-{version}: `make test-all` makes it")
    done = subprocess.run(
        [python, *command],
        # The SDKs break what they print into lines of the terminal's width.
        env={**environment, "COLUMNS": "300"}, cwd=folder, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return what a script told in its last line, as JSON."""
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(home=tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="session")
def role(cloud: LocalCloud) -> str:
    iam = boto3.client("iam", endpoint_url=cloud.endpoint_url, region_name="us-east-1", **root_of(cloud))
    arn = iam.create_role(RoleName="tutorial", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    for policy in POLICIES:
        iam.attach_role_policy(RoleName="tutorial", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return str(arn)


@pytest.fixture(scope="session")
def sagemaker_role(cloud: LocalCloud) -> str:
    """The name of a role as SageMaker's users have it: that of AWS's own tests, with AWS's policy for it."""
    iam = boto3.client("iam", endpoint_url=cloud.endpoint_url, region_name="us-east-1", **root_of(cloud))
    name = "SageMakerRole"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    return name


@pytest.fixture(scope="session")
def newsgroups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the word counts of 20 Newsgroups, `train.npy` and `test.npy`: an array of documents by words each.

    The documents are those of the source's own split, so `train` has the preparation's validation part too.
    """
    if not ARCHIVE.exists():
        pytest.skip(f"needs the 20 Newsgroups archive at {ARCHIVE.name}")
    folder = tmp_path_factory.mktemp("20newsgroups")
    arguments = [
        "20newsgroups",
        "--archive",
        str(ARCHIVE),
        "--output",
        str(folder / "corpus"),
        "--max-features",
        "1000",
    ]
    assert prepare.main(arguments) == 0
    manifest = CorpusManifest.load(folder / "corpus")
    for name, parts in (("train", ("train", "validation")), ("test", ("test",))):
        shards = [path for part in parts for path in sorted((folder / "corpus" / part).glob("*.pbr"))]
        rows = [recordio.read_records(path.read_bytes(), feature_dim=manifest.feature_dim) for path in shards]
        np.save(folder / f"{name}.npy", vstack(rows).toarray().astype(np.int32))
    return folder
