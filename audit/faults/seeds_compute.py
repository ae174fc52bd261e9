"""The seeded faults: jobs, models, the endpoint, functions, their URL and the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from audit.faults.seeded import Body, Editor, Seed
from audit.faults.seeds import setting, without
from rules.model import JsonValue

MACHINE, FUNCTION, RULE = "AWS::StepFunctions::StateMachine", "AWS::Lambda::Function", "AWS::Events::Rule"
MODEL, CONFIG, ENDPOINT = "AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Endpoint"
URL, PERMISSION, PARAMETER = "AWS::Lambda::Url", "AWS::Lambda::Permission", "AWS::SSM::Parameter"
GROUP, DOOR, SUBNET = "AWS::EC2::SecurityGroup", "AWS::EC2::VPCEndpoint", "AWS::EC2::Subnet"


def job(part: str, value: JsonValue, *path: str, call: str = "createTrainingJob") -> Callable[[Editor], None]:
    """Return an edit that sets a part of a job's request; None removes it."""

    def change(request: Body) -> None:
        inner: JsonValue = request
        for name in path:
            inner = inner[name] if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[part] = value
            if value is None:
                del inner[part]

    return lambda editor: editor.job(call, change)


def unreadable(editor: Editor) -> None:
    """Make a definition that nobody can read."""
    editor.properties["DefinitionString"] = "{not JSON"


def gateway(editor: Editor) -> None:
    """Add a way to the internet."""
    editor.resources["WayOut"] = {"Type": "AWS::EC2::InternetGateway", "Properties": {}}


def candidate(editor: Editor) -> None:
    """Have the template read the candidate, which nobody approved; the model's own reading stays."""
    parameters = editor.body["Parameters"]
    assert isinstance(parameters, dict)  # noqa: S101 (CloudFormation's form)
    added: Body = {
        "Type": "AWS::SSM::Parameter::Value<List<String>>",
        "Default": "/topic-model/prod/candidate/model",
        "Description": "A model that nobody approved",
    }
    parameters["Candidate"] = added


def unapproved(editor: Editor) -> None:
    """Give the model an artifact that is not the approved one."""
    editor.at("PrimaryContainer")["ModelDataUrl"] = "s3://elsewhere/model.tar.gz"


def no_stage(editor: Editor) -> None:
    """Have the template no longer say that its stage is hardened."""
    editor.body["Metadata"] = {"TopicModelStage": {"Name": "prod", "Hardened": False}}


def undescribed(editor: Editor) -> None:
    """Add an output without a description."""
    outputs = editor.body["Outputs"]
    assert isinstance(outputs, dict)  # noqa: S101 (CloudFormation's form)
    added: Body = {"Value": "?"}
    outputs["Unknown"] = added


def open_endpoint(editor: Editor) -> None:
    """Have a VPC endpoint serve every resource of every account."""
    added: Body = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    editor.items("PolicyDocument", "Statement").append(added)


def open_group(editor: Editor) -> None:
    """Let everybody into a security group."""
    added: Body = {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}
    editor.properties["SecurityGroupIngress"] = [added]


def secret(editor: Editor) -> None:
    """Add a parameter that is named like a secret."""
    properties: Body = {"Name": "/topic-model/prod/api_token", "Type": "String", "Value": "x"}
    editor.resources["Token"] = {"Type": PARAMETER, "Properties": properties}


ELSEWHERE: Final = "999999999999.dkr.ecr.eu-west-1.amazonaws.com/ntm:1"

SEEDS: Final = (
    Seed(
        "A training container gets a network",
        "TM-JOB-ISOLATED",
        "Training",
        MACHINE,
        job("EnableNetworkIsolation", value=False),
    ),
    Seed(
        "Traffic between training instances is not encrypted",
        "TM-JOB-TRAFFIC-ENCRYPTED",
        "Training",
        MACHINE,
        job("EnableInterContainerTrafficEncryption", value=False),
    ),
    Seed(
        "Training volumes lose their key",
        "TM-JOB-VOLUME-KEY",
        "Training",
        MACHINE,
        job("VolumeKmsKeyId", None, "ResourceConfig"),
    ),
    Seed(
        "A model artifact loses its key",
        "TM-JOB-OUTPUT-KEY",
        "Training",
        MACHINE,
        job("KmsKeyId", None, "OutputDataConfig"),
    ),
    Seed("Training leaves the VPC", "TM-JOB-VPC", "Training", MACHINE, job("VpcConfig", None)),
    Seed(
        "Training runs an image from another account",
        "TM-JOB-IMAGE",
        "Training",
        MACHINE,
        job("TrainingImage", ELSEWHERE, "AlgorithmSpecification"),
    ),
    Seed("Training may run without end", "TM-JOB-BOUNDED", "Training", MACHINE, job("StoppingCondition", None)),
    Seed(
        "Transform volumes lose their key",
        "TM-JOB-VOLUME-KEY",
        "Serving",
        MACHINE,
        job("VolumeKmsKeyId", None, "TransformResources", call="createTransformJob"),
    ),
    Seed(
        "Transform output loses its key",
        "TM-JOB-OUTPUT-KEY",
        "Serving",
        MACHINE,
        job("KmsKeyId", None, "TransformOutput", call="createTransformJob"),
    ),
    Seed("The pipeline cannot be read", "TM-JOB-READABLE", "Training", MACHINE, unreadable),
    Seed(
        "The model's isolation is off",
        "TM-MODEL-ISOLATED",
        "Serving",
        MODEL,
        setting("EnableNetworkIsolation", value=False),
    ),
    Seed(
        "The model is an image from another account",
        "TM-MODEL-IMAGE",
        "Serving",
        MODEL,
        setting("Image", ELSEWHERE, "PrimaryContainer"),
    ),
    Seed("The model leaves the VPC", "TM-MODEL-VPC", "Serving", MODEL, without("VpcConfig")),
    Seed("A model that nobody approved is served", "TM-MODEL-APPROVED", "Serving", MODEL, unapproved),
    Seed("The endpoint's storage loses its key", "TM-ENDPOINT-KEY", "Serving", CONFIG, without("KmsKeyId")),
    Seed(
        "Data capture is off",
        "TM-ENDPOINT-CAPTURE",
        "Serving",
        CONFIG,
        setting("EnableCapture", False, "DataCaptureConfig"),
    ),
    Seed(
        "Captured documents lose their key",
        "TM-ENDPOINT-CAPTURE",
        "Serving",
        CONFIG,
        without("KmsKeyId", "DataCaptureConfig"),
    ),
    Seed(
        "The endpoint has one instance",
        "TM-ENDPOINT-INSTANCES",
        "Serving",
        CONFIG,
        setting("InitialInstanceCount", 1, "ProductionVariants", "0"),
    ),
    Seed(
        "No alarm rolls a rollout back",
        "TM-ENDPOINT-ROLLBACK",
        "Serving",
        ENDPOINT,
        without("AutoRollbackConfiguration", "DeploymentConfig"),
    ),
    Seed(
        "An update resets the fleet",
        "TM-ENDPOINT-KEEPS-SIZE",
        "Serving",
        ENDPOINT,
        without("RetainAllVariantProperties"),
    ),
    Seed(
        "The endpoint configuration has a name",
        "TM-ENDPOINT-NAMES",
        "Serving",
        CONFIG,
        setting("EndpointConfigName", "fixed"),
    ),
    Seed("The URL is open", "TM-URL-AUTH", "Serving", URL, setting("AuthType", "NONE")),
    Seed("Any web page may call the URL", "TM-URL-CORS", "Serving", URL, setting("Cors", {"AllowOrigins": ["*"]})),
    Seed("The URL is not on an alias", "TM-URL-ALIAS", "Serving", URL, without("Qualifier")),
    Seed("Everybody may invoke a function", "TM-FUNCTION-PERMISSION", "Serving", PERMISSION, setting("Principal", "*")),
    Seed(
        "A role may invoke a function past the URL",
        "TM-FUNCTION-PERMISSION",
        "Serving",
        PERMISSION,
        setting("Principal", "arn:aws:iam::111122223333:role/anybody"),
    ),
    Seed(
        "A service may invoke it for any account",
        "TM-FUNCTION-PERMISSION",
        "Training",
        PERMISSION,
        without("SourceArn"),
    ),
    Seed("A function logs where it likes", "TM-FUNCTION-LOGS", "Serving", FUNCTION, without("LoggingConfig")),
    Seed("A function's environment loses its key", "TM-FUNCTION-KEY", "Serving", FUNCTION, without("KmsKeyArn")),
    Seed("The VPC gets a way to the internet", "TM-VPC-NO-WAY-OUT", "Data", "AWS::EC2::VPC", gateway),
    Seed(
        "A subnet gives out public addresses",
        "TM-VPC-NO-WAY-OUT",
        "Data",
        SUBNET,
        setting("MapPublicIpOnLaunch", value=True),
    ),
    Seed("A security group is open", "TM-VPC-GROUPS", "Data", GROUP, open_group),
    Seed("A VPC endpoint serves everybody", "TM-VPC-ENDPOINT-POLICY", "Data", DOOR, open_endpoint),
    Seed(
        "A VPC endpoint has no private name",
        "TM-VPC-ENDPOINT-NAMES",
        "Data",
        DOOR,
        setting("PrivateDnsEnabled", value=False),
        "NetworkSsm",
    ),
    Seed(
        "Traffic of the VPC is not logged",
        "TM-VPC-FLOW-LOGS",
        "Data",
        "AWS::EC2::FlowLog",
        setting("TrafficType", "ACCEPT"),
    ),
    Seed("The template reads a candidate", "TM-SSM-READS-APPROVED", "Serving", MODEL, candidate),
    Seed(
        "A parameter is outside the stage's path",
        "TM-SSM-OWN-PATH",
        "Serving",
        PARAMETER,
        setting("Name", "/elsewhere"),
    ),
    Seed("A plain parameter holds a secret", "TM-SSM-NO-SECRET", "Serving", PARAMETER, secret),
    Seed("Prod no longer says that it is hardened", "TM-STAGE-TOLD", "Data", "AWS::KMS::Key", no_stage),
    Seed("An output is not described", "TM-DESCRIBED", "Data", "AWS::KMS::Key", undescribed),
    Seed(
        "The endpoint's log group is not declared",
        "TM-LOGS-ENDPOINT",
        "Serving",
        "AWS::Logs::LogGroup",
        setting("LogGroupName", "elsewhere"),
        "HostingLogs",
    ),
    Seed(
        "A state machine's log group has a name that every stack has",
        "TM-LOGS-MACHINE",
        "Training",
        "AWS::Logs::LogGroup",
        setting("LogGroupName", "/aws/vendedlogs/states/training"),
        "Pipeline",
    ),
)
