#!/usr/bin/env bash
# Ask the topic model's URL with curl (7.75 or newer), signed with your AWS credentials.
#
#   TOPICS_URL=https://….lambda-url.eu-west-1.on.aws/ AWS_REGION=eu-west-1 docs/examples/topics.sh
set -euo pipefail

ask() {
  # The token header goes with temporary credentials, and has to be signed as well: curl does so.
  curl --silent --show-error --fail-with-body \
    --aws-sigv4 "aws:amz:${AWS_REGION}:lambda" --user "${AWS_ACCESS_KEY_ID}:${AWS_SECRET_ACCESS_KEY}" \
    ${AWS_SESSION_TOKEN:+--header "x-amz-security-token: ${AWS_SESSION_TOKEN}"} "$@"
  echo
}

# Raw documents, and the two strongest topics of each.
ask "${TOPICS_URL}?top=2" --header 'content-type: application/json' \
  --data '{"documents": ["How do I restore a database snapshot?", "Send a message to the queue."]}'

# Counts in, by the words' ids in the vocabulary, and weights as CSV out.
ask "${TOPICS_URL}" --header 'content-type: application/json' --header 'accept: text/csv' \
  --data '{"instances": [{"data": {"features": {"keys": [1], "values": [2]}}}, {"data": {"features": {"keys": [0, 2], "values": [1, 1]}}}]}'

# The topics of the model in service.
ask "${TOPICS_URL}topics"
