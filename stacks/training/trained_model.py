"""A model trained as part of a deploy: the deploy waits for the pipeline, and fails with the job's own reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.settings.stage import DEPLOY_WAIT_LIMIT_S
from stacks.shared.deployment_function import DeploymentFunction
from stacks.shared.model_parameters import FIELDS_OF_A_MODEL, parameters_arn
from stacks.shared.names import parameters_prefix

from deployment_functions.model_fields import RECORD, RECORDS
from deployment_functions.retrainings.retraining import ONLY_STOPS

if TYPE_CHECKING:
    from aws_cdk import aws_stepfunctions as sfn

    from stacks.data.shared_data import SharedData
    from stacks.settings.stage import StageSettings
    from stacks.shared.platform import Platform

ENDED: Final = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class TrainedModel(Construct):
    """Runs the pipeline when, and only when, the corpus or the job's definition has changed.

    One function starts the run and leaves CloudFormation waiting; a second one, `answer`, tells how the run has ended:
    asked by the run itself, and by the event of its end, which comes for a run that was stopped or timed out too. An
    event alone could be lost, since a rule may not match for a while after it was made. Answering twice is harmless.
    So nothing polls, and no function sits out the training.
    """

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        self._platform = platform
        self.answer = DeploymentFunction(
            self,
            "Answer",
            handler="deploy.training_gate.answer",
            description="Tells CloudFormation how the training that it waits for has ended",
            platform=platform,
        )

    def run(
        self,
        state_machine: sfn.StateMachine,
        *,
        stage: str,
        settings: StageSettings,
        data: SharedData,
        definition_hash: str,
    ) -> None:
        """Declare the resources that run the pipeline, which calls `answer` itself."""
        stack, platform, answer = cdk.Stack.of(self), self._platform, self.answer
        start = DeploymentFunction(
            self,
            "Start",
            handler="deploy.training_gate.start",
            description="Starts the training pipeline for a deploy, and cleans up after it on destroy",
            platform=platform,
            timeout=cdk.Duration.minutes(2),
        )
        start.allow("states:StartExecution", "states:ListExecutions", on=[state_machine.state_machine_arn]).allow(
            "states:StopExecution",
            on=[
                stack.format_arn(
                    service="states",
                    resource="execution",
                    resource_name=f"{state_machine.state_machine_name}:*",
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            because="Runs of this one state machine; what a run is called is not known before.",
        ).allow(
            "ssm:GetParameter",
            "ssm:PutParameter",
            "ssm:DeleteParameter",
            on=[parameters_arn(stack, stage)],
            because=FIELDS_OF_A_MODEL,
        )
        # By its ARN: the queue's own policy, in the data stack, lets EventBridge in.
        lost = sqs.Queue.from_queue_arn(self, "LostEvents", platform.lost_events.queue_arn)
        rule = events.Rule(
            self,
            "Ended",
            description="A run of the training pipeline has ended",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"stateMachineArn": [state_machine.state_machine_arn], "status": list(ENDED)},
            ),
            targets=[targets.LambdaFunction(answer.function, dead_letter_queue=lost)],
        )
        # There before the training begins, and so deleted with a stack whose first training has not ended. That a
        # resource which is still being created is sent a Delete, CloudFormation's documentation does not say.
        self.runs = start.custom_resource(
            "Runs",
            kind="TrainingRuns",
            properties={
                "StateMachineArn": state_machine.state_machine_arn,
                "Parameters": parameters_prefix(stage),
                ONLY_STOPS: "true",
            },
        )
        self.resource = start.custom_resource(
            "Model",
            kind="TrainedModel",
            properties={
                "StateMachineArn": state_machine.state_machine_arn,
                "Parameters": parameters_prefix(stage),
                "CorpusHash": data.corpus.corpus_hash,
                "DefinitionHash": definition_hash,
                "RunOnDeploy": "true" if settings.training.run_on_deploy else "false",
                "Approval": settings.approval,
                RECORDS: RECORD,
            },
            timeout=cdk.Duration.seconds(DEPLOY_WAIT_LIMIT_S),
        )
        # The answer must be able to come before the question is asked, and the run be able to do its work.
        self.runs.node.add_dependency(rule, answer, state_machine)
        self.resource.node.add_dependency(self.runs)
