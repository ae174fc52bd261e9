# Signed by curl (7.75 or newer). The token goes with temporary credentials, and has to be signed as well: curl does so.
ask() {
  curl --silent --show-error --fail-with-body \
    --aws-sigv4 "aws:amz:${AWS_REGION}:lambda" --user "${AWS_ACCESS_KEY_ID}:${AWS_SECRET_ACCESS_KEY}" \
    ${AWS_SESSION_TOKEN:+--header "x-amz-security-token: ${AWS_SESSION_TOKEN}"} "$@"
  echo
}
