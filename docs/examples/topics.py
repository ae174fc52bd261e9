"""Ask the topic model's URL from Python.

pip install ./topics_client
TOPICS_URL=https://….lambda-url.eu-west-1.on.aws/ python docs/examples/topics.py
"""

from __future__ import annotations

import asyncio
import os

from topics_client import AsyncTopicsClient, TopicsClient

client = TopicsClient(os.environ["TOPICS_URL"])

# Any number of documents: they are sent in batches, side by side, and come back in order.
for prediction in client.score(["How do I restore a database snapshot?", "Send a message to the queue."], top=2):
    print([(topic.label, round(topic.weight, 2)) for topic in prediction.topics or ()])

# A faulty document need not stop the others.
for prediction in client.stream(["a table", "xyzzy plugh"], on_error="return"):
    print(prediction.error.code if prediction.error else prediction.weights)


async def main() -> None:
    """Do the same while other things happen."""
    predictions = await AsyncTopicsClient(client).score([{0: 2, 2: 1}])
    print(predictions[0].weights)


asyncio.run(main())
