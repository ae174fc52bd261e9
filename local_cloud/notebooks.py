"""Public notebooks of NTM, and AWS's own tests of it, as they are run here: a table of docs/conformance.md.

`tests/sdk/test_public_notebooks.py` makes each row's calls anew, with other data: none of their code is kept here.
"""

from __future__ import annotations

from typing import NamedTuple

_EXAMPLES = "https://github.com/aws/amazon-sagemaker-examples/blob/"
_SDK = "https://github.com/aws/sagemaker-python-sdk/blob/master-v2/tests/integ/test_ntm.py"

_HEADLINES = "https://github.com/PacktPublishing/Learn-Amazon-SageMaker/blob/2ff754695"
"""A book's repository; its data is not in the copy that could be had."""

_CLIENTS = {"v1": "SDK 1.72", "v2": "SDK 2.257"}


class Notebook(NamedTuple):
    """One row.

    Attributes:
        name: as the scripts of the test have it.
        sdk: of which environment: `v1` is 1.72, `v2` 2.x.
        source: where it is.
        unedited: what became of the notebook itself, once, by hand.
    """

    name: str
    sdk: str
    source: str
    unedited: str


TABLE = (
    Notebook(
        "ntm_20newsgroups",
        "v1",
        f"{_EXAMPLES}bc6b4dc35/introduction_to_applying_machine_learning/ntm_20newsgroups_topic_modeling/ntm_20newsgroups_topic_model.ipynb",
        "all 41 cells run; MXNet 1.9.1 reads the model. scikit-learn was given a module's old name again",
    ),
    Notebook(
        "ntm_20newsgroups",
        "v2",
        f"{_EXAMPLES}61e48e118/introduction_to_applying_machine_learning/ntm_20newsgroups_topic_modeling/ntm_20newsgroups_topic_model.ipynb",
        "all 41 cells run, with SDK 2.163 and no configuration file; MXNet 1.9.1 reads the model",
    ),
    Notebook(
        "ntm_synthetic",
        "v2",
        f"{_EXAMPLES}1c0826e55/introduction_to_amazon_algorithms/ntm_synthetic/ntm_synthetic.ipynb",
        "all 19 cells run, with SDK 2.163 and no configuration file; as do its successor's, sm-introduction_to_ntm",
    ),
    Notebook(
        "ntm_wikitext",
        "v1",
        f"{_EXAMPLES}4f59c4e1b/scientific_details_of_algorithms/ntm_topic_modeling/ntm_wikitext.ipynb",
        "all 19 cells run",
    ),
    Notebook(
        "ntm_functionality",
        "v2",
        f"{_EXAMPLES}e46a691c5/ntm_functionality/ntm_functionality.ipynb",
        "does not run: it has a bucket's name to fill in, and no boto3 of today has its waiter `TrainingJob_Created`",
    ),
    Notebook(
        "abc_headlines",
        "v1",
        f"{_HEADLINES}/sdkv1/ch6/lda-ntm/NTM%20on%20ABC%20Headlines.ipynb",
        "31 of 32 cells run; the other, an alternative, uses NumPy before it imports it",
    ),
    Notebook(
        "abc_headlines",
        "v2",
        f"{_HEADLINES}/sdkv2/ch6/lda-ntm/NTM%20on%20ABC%20Headlines.ipynb",
        "all 32 cells run, with SDK 2.163 and the configuration file of `env --role`",
    ),
    Notebook(
        "test_ntm", "v2", _SDK, "passes, though AWS marks it as one that always fails; its bucket must be there before"
    ),
    Notebook("test_ntm_serverless_inference", "v2", _SDK, "passes"),
)

_ABOUT = """\
## Public notebooks

AWS's notebooks of NTM, a book's, and the SDK's own integration tests. `tests/sdk/test_public_notebooks.py` makes the
calls of each anew in the SDK's own environment, with other data; `default_bucket()` and `get_execution_role()` are as
they have them, in a session of a role with AmazonSageMakerFullAccess (`env --role`). No code of theirs is kept here.
The last column tells what became of the notebook itself when its cells were run once as they are, by hand, with 3,000
documents of 20 Newsgroups for data, or 60,000 beginnings of them for headlines. NLTK, whose data could not be had, was
a stand-in, and so were `curl`, `pip` and `conda`.
"""


def section() -> str:
    """Return the part of the page that has the table."""
    lines = [_ABOUT, "| Notebook or test | Client | The notebook itself |", "|---|---|---|"]
    for row in TABLE:
        name = f"[{row.name}]({row.source})" if row.source else row.name
        lines.append(f"| {name} | {_CLIENTS[row.sdk]} | {row.unedited} |")
    return "\n".join(lines) + "\n"
