#!/usr/bin/env bash
# Ask the topic model's URL with curl, signed with your AWS credentials by ask.sh, which lies beside it.
#
#   TOPICS_URL=https://….lambda-url.eu-west-1.on.aws/ AWS_REGION=eu-west-1 docs/examples/topics.sh
set -euo pipefail

. "$(dirname "$0")/ask.sh"

# Raw documents, and the two strongest topics of each.
ask "${TOPICS_URL}?top=2" --header 'content-type: application/json' \
  --data '{"documents": ["How do I restore a database snapshot?", "Send a message to the queue."]}'

# Counts in, by the words' ids in the vocabulary, and weights as CSV out.
ask "${TOPICS_URL}" --header 'content-type: application/json' --header 'accept: text/csv' \
  --data '{"instances": [{"data": {"features": {"keys": [1], "values": [2]}}}, {"data": {"features": {"keys": [0, 2], "values": [1, 1]}}}]}'

# The topics of the model in service.
ask "${TOPICS_URL}topics"
