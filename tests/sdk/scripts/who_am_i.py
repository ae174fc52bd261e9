"""What a notebook begins with, in each of the SDKs. The last line printed is the role and the bucket as JSON."""

from __future__ import annotations

import json

import boto3

try:
    from sagemaker import Session, get_execution_role
except ImportError:  # v3
    from sagemaker.core.helper.session_helper import Session, get_execution_role

role, bucket = get_execution_role(), Session().default_bucket()
boto3.client("s3").put_object(Bucket=bucket, Key="one", Body=b"1")
print()
print(json.dumps([role, bucket]))
