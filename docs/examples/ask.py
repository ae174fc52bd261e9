# Signed by botocore: pip install boto3. The client of ./topics_client does all this, and retries.
import json
import os
from urllib.request import Request, urlopen

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

session = boto3.Session(region_name=os.environ["AWS_REGION"])


def ask(method, path, body=None):
    """Return the answer; what is refused raises HTTPError, whose `read()` is the problem."""
    url = os.environ["TOPICS_URL"] + path
    data = None if body is None else json.dumps(body).encode()
    request = AWSRequest(method, url, {"content-type": "application/json"}, data)
    SigV4Auth(session.get_credentials(), "lambda", session.region_name).add_auth(request)
    with urlopen(Request(url, data, dict(request.headers), method=method)) as answer:
        return json.load(answer)
