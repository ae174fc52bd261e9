"""Run in the toolkits' environment: PyTorch's serving container, without its model server, answers requests from stdin.

Standard input holds JSON lists of {"headers", "body"}; standard output gets {"status", "headers", "body"}. Bodies are
in base64.
"""

import base64
import json
import os
import sys
import types
from pathlib import Path

# The handler imports it for models of its own kind; model_fn and transform_fn stand in for everything that uses it.
sys.modules["torch"] = types.ModuleType("torch")

from sagemaker_inference import model_server  # noqa: E402
from sagemaker_pytorch_serving_container.handler_service import HandlerService  # noqa: E402
from ts.context import Context  # noqa: E402
from ts.service import Service  # noqa: E402

model_server._install_requirements()
root = Path(os.environ["SAGEMAKER_BASE_DIR"])
sys.path.insert(0, str(root / "model" / "code"))
handler = HandlerService()
context = Context("model", str(root / "model"), {}, 1, None, "1.0")
handler.initialize(context)
answers = []
for number, request in enumerate(json.load(sys.stdin)):
    batch = [
        {
            "requestId": str(number).encode(),
            "parameters": [
                {
                    "name": "body",
                    "contentType": request["headers"].get("content-type", ""),
                    "value": base64.b64decode(request["body"]),
                }
            ],
            "headers": [{"name": name.encode(), "value": value.encode()} for name, value in request["headers"].items()],
        }
    ]
    context.request_processor, data, _ = Service.retrieve_data_for_inference(batch)
    [body] = handler.handle(data, context)
    answers.append(
        {
            "status": context.get_response_status(0)[0],
            "headers": context.get_response_headers(0),
            "body": base64.b64encode(body if isinstance(body, bytes) else body.encode()).decode(),
        }
    )
sys.stdout.write("ANSWERS" + json.dumps(answers) + "\n")
