"""The retraining's state machine in Amazon States Language. Pure: placeholders, no constructs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.shared.retries import FUNCTION_UNAVAILABLE

from deployment_functions.retrainings.retraining import REQUEST

if TYPE_CHECKING:
    from stacks.settings.stage import StageSettings

LOOK_EVERY_S: Final = 30
"""How often it is looked how the serving stack's update goes."""
WAITED_FOR_OTHERS_S: Final = 3600
"""How long another operation on the serving stack, a deploy for example, is waited for."""
_BUSY: Final = {
    "ErrorEquals": ["StackBusyError"],
    "IntervalSeconds": 60,
    "MaxAttempts": WAITED_FOR_OTHERS_S // 60,
    "BackoffRate": 1,
}
_CAUGHT: Final = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "TellOfFailure"}]
_SUBJECT: Final = {"Subject.$": "$.step.value.subject"}


def definition(settings: StageSettings, *, stage: str) -> dict[str, object]:
    """Return it with `${…}` for what the account decides."""
    timeout_s = settings.training.pipeline_timeout_s + WAITED_FOR_OTHERS_S + settings.rollout.max_duration_s
    return {
        "Comment": f"Retrains the topic model of stage {stage} on the newest corpus, and promotes what passes",
        "TimeoutSeconds": timeout_s,
        "StartAt": "IsOneDue",
        "States": {
            "IsOneDue": {
                "Comment": "Skips with a reason where corpus and definition are those in service",
                **_invoke("CheckFunctionArn", {"execution.$": "$$.Execution.Name"}),
                "Next": "WhatIsDue",
            },
            "WhatIsDue": _choice({"train": "Train", "promote": "Promote", "tell": "Tell"}, default="Skip"),
            "Skip": {
                "Comment": "Its reason is what the run says",
                "Type": "Pass",
                "OutputPath": "$.step.value",
                "End": True,
            },
            "Train": {
                "Comment": "A run of the stage's own training pipeline, on the newest corpus",
                "Type": "Task",
                "Resource": "arn:${Partition}:states:::states:startExecution.sync:2",
                "Parameters": {
                    "StateMachineArn": "${PipelineArn}",
                    "Name.$": "$.step.value.run",
                    "Input": {
                        REQUEST: {"corpus_hash.$": "$.step.value.corpus_hash"},
                        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
                    },
                },
                "ResultSelector": {"model.$": "$.Output.model.value.model"},
                "ResultPath": "$.trained",
                "Catch": _CAUGHT,
                "Next": "Gate",
            },
            "Gate": {
                "Comment": "Registers the model and compares it with the one in service",
                **_invoke("GateFunctionArn", {"model.$": "$.trained.model"}),
                "Next": "WhatBecomesOfIt",
            },
            "WhatBecomesOfIt": _choice({"promote": "Promote"}, default="Tell"),
            "Promote": {
                "Comment": "Updates the serving stack: the same template, the approved parameters",
                **_invoke("PromoteFunctionArn", {"step": "begin", "package.$": "$.step.value.package"}),
                "Retry": [_BUSY, FUNCTION_UNAVAILABLE],
                "Next": "HowTheUpdateGoes",
            },
            "HowTheUpdateGoes": _choice({"wait": "Wait", "tell": "Tell"}, default="TellOfRollback"),
            "Wait": {"Type": "Wait", "Seconds": LOOK_EVERY_S, "Next": "Look"},
            "Look": {
                **_invoke("PromoteFunctionArn", {"step": "look", "package.$": "$.step.value.package"}),
                "Next": "HowTheUpdateGoes",
            },
            "Tell": {
                **_publish(_SUBJECT, "$.step.value.message"),
                "OutputPath": "$.step.value",
                "End": True,
            },
            "TellOfRollback": {**_publish(_SUBJECT, "$.step.value.message"), "Next": "RolledBack"},
            "RolledBack": {"Type": "Fail", "Error": "RolledBack", "CausePath": "$.step.value.message"},
            "TellOfFailure": {
                **_publish(
                    {"Subject": f"Topic model {stage}: a retraining failed"},
                    "States.Format('The model in service stays. {}: {}', $.error.Error, $.error.Cause)",
                ),
                "Next": "Failed",
            },
            "Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
        },
    }


def _invoke(function: str, payload: dict[str, str]) -> dict[str, object]:
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"${{{function}}}", "Payload": payload},
        "ResultSelector": {"value.$": "$.Payload"},
        "ResultPath": "$.step",
        "Retry": [FUNCTION_UNAVAILABLE],
        "Catch": _CAUGHT,
    }


def _choice(targets: dict[str, str], *, default: str) -> dict[str, object]:
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.step.value.next", "StringEquals": answer, "Next": state}
            for answer, state in targets.items()
        ],
        "Default": default,
    }


def _publish(subject: dict[str, str], message: str) -> dict[str, object]:
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::sns:publish",
        "Parameters": {"TopicArn": "${TopicArn}", **subject, "Message.$": message},
        "ResultPath": None,
    }
