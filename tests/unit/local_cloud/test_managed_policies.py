from __future__ import annotations

import gzip
import json
from importlib.metadata import version

from moto.iam.aws_managed_policies import aws_managed_policies_data

from local_cloud.patches.managed_policies import TABLE

LINES = gzip.decompress(TABLE.read_bytes()).decode().splitlines()


def test_the_table_names_the_release_of_moto_that_it_is_of() -> None:
    assert LINES[0].split("\t")[0] == f"moto {version('moto')}"


def test_every_policy_that_may_be_attached_is_there_with_its_document() -> None:
    table = {name: (version, json.loads(text)) for name, version, _, _, text in (row.split("\t") for row in LINES[1:])}

    assert table == {
        policy["Path"].lstrip("/") + name: (policy["DefaultVersionId"], policy["Document"])
        for name, policy in json.loads(aws_managed_policies_data).items()
        if policy["Path"] != "/aws-service-role/"
    }
