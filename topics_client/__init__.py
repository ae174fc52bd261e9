"""Client of the topic model's URL.

    from topics_client import TopicsClient

    client = TopicsClient("https://….lambda-url.eu-west-1.on.aws/")
    for prediction in client.score(["first document", "second document"], top=3):
        print(prediction.topics[0].label)

Requests are signed with the credentials botocore finds. The same for `asyncio`: `AsyncTopicsClient`.
Documents like another one, from a URL of its own: `SimilarClient`.
"""

from topics_client.async_client import AsyncTopicsClient
from topics_client.client import TopicsClient
from topics_client.errors import TopicsError
from topics_client.results import Health, Prediction, Topic, TopicList, TopicWeight, Versions
from topics_client.similar import SimilarClient, SimilarDocument, SimilarDocuments

__all__ = [
    "AsyncTopicsClient",
    "Health",
    "Prediction",
    "SimilarClient",
    "SimilarDocument",
    "SimilarDocuments",
    "Topic",
    "TopicList",
    "TopicWeight",
    "TopicsClient",
    "TopicsError",
    "Versions",
]
