"""An error of an emulated service, as its clients see it."""

from __future__ import annotations

import json

from local_cloud.shared.emulator import Response

BAD_REQUEST = 400


class ServiceError(Exception):
    """An error answer: a code of the service's model, the message that AWS words, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def response(self) -> Response:
        """Return the answer in the JSON 1.1 protocol."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": self.code}
        # SageMaker models `Message`, other JSON services `message`; clients read either.
        body = {"__type": self.code, "message": self.message, "Message": self.message}
        return self.status, headers, json.dumps(body).encode()


def validation_error(message: str) -> ServiceError:
    """Return the error for a request that is well formed and still cannot be done."""
    return ServiceError("ValidationException", message)
