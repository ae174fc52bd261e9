"""What of SageMaker's requests has no effect here, and what is refused, by operation."""

from __future__ import annotations

from collections.abc import Mapping

from local_cloud.shared.members import Members

_S3_DATA_TYPES = ("S3Prefix", "ManifestFile")
"""NTM reads no augmented manifests: AWS has them for algorithms that take JSON Lines in Pipe mode."""

_TRAINING = Members(
    without_effect=(
        "InputDataConfig.ShuffleConfig",
        "ResourceConfig.VolumeSizeInGB",
        "ResourceConfig.VolumeKmsKeyId",
        "StoppingCondition.MaxPendingTimeInSeconds",
        "VpcConfig",
        "EnableInterContainerTrafficEncryption",
        "RetryStrategy",
    ),
    refused=(
        "AlgorithmSpecification.AlgorithmName",
        "InputDataConfig.DataSource.FileSystemDataSource",
        "InputDataConfig.DataSource.DatasetSource",
        "InputDataConfig.DataSource.S3DataSource.AttributeNames",
        "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames",
        "InputDataConfig.DataSource.S3DataSource.ModelAccessConfig",
        "InputDataConfig.DataSource.S3DataSource.HubAccessConfig",
        "ResourceConfig.InstanceGroups",
        "ResourceConfig.TrainingPlanArn",
        "ResourceConfig.InstancePlacementConfig",
        "ResourceConfig.InstancePreferences",
        "ResourceConfig.SelectedInstanceType",
        "ResourceConfig.SelectedInstanceCount",
    ),
    only={
        "InputDataConfig.DataSource.S3DataSource.S3DataType": _S3_DATA_TYPES,
        "InputDataConfig.CompressionType": ("None",),
        "InputDataConfig.RecordWrapperType": ("None",),
        "OutputDataConfig.CompressionType": ("GZIP",),
        "CheckpointConfig.LocalPath": ("/opt/ml/checkpoints", "/opt/ml/checkpoints/"),
    },
)
"""What the requests for a training job and for the trials of a tuning job have in common."""

_CONTAINER = Members(
    without_effect=("ContainerHostname", "ImageConfig", "ContainerMetricsConfig"),
    refused=(
        "ModelDataSource", "AdditionalModelDataSources", "InferenceSpecificationName",
        "MultiModelConfig",
    ),
    only={"Mode": ("SingleModel",)},
)  # fmt: skip

MEMBERS: Mapping[str, Members] = {
    "CreateTrainingJob": _TRAINING
    | Members(
        without_effect=(
            "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
            "AlgorithmSpecification.TrainingImageConfig",
            "ResourceConfig.KeepAlivePeriodInSeconds",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "TensorBoardOutputConfig",
            "ExperimentConfig",
            "ProfilerConfig",
            "ProfilerRuleConfigurations",
            "RemoteDebugConfig",
            "InfraCheckConfig",
            "SessionChainingConfig",
            "MlflowConfig",
        ),
        refused=(
            "AlgorithmSpecification.ContainerEntrypoint",
            "AlgorithmSpecification.ContainerArguments",
            "ServerlessJobConfig",
            "ModelPackageConfig",
        ),
    ),
    "Search": Members(
        without_effect=("VisibilityConditions",),
        refused=("SearchExpression.NestedFilters", "SearchExpression.SubExpressions"),
        only={
            "Resource": ("TrainingJob",),
            "CrossAccountFilterOption": ("SameAccount",),
        },
    ),
    "ListTrainingJobs": Members(refused=("WarmPoolStatusEquals", "TrainingPlanArnEquals")),
    "CreateHyperParameterTuningJob": _TRAINING.below("TrainingJobDefinition")
    | Members(
        without_effect=(
            "HyperParameterTuningJobConfig.TrainingJobEarlyStoppingType",
            "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.BestObjectiveNotImproving",
            "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.ConvergenceDetected",
            "TrainingJobDefinition.DefinitionName",
            "TrainingJobDefinition.HyperParameterTuningResourceConfig.AllocationStrategy",
            "TrainingJobDefinition.HyperParameterTuningResourceConfig.InstanceConfigs.VolumeSizeInGB",
            "TrainingJobDefinition.HyperParameterTuningResourceConfig.VolumeKmsKeyId",
            "TrainingJobDefinition.HyperParameterTuningResourceConfig.VolumeSizeInGB",
            "TrainingJobDefinition.ResourceConfig.KeepAlivePeriodInSeconds",
        ),
        refused=(
            "HyperParameterTuningJobConfig.StrategyConfig",
            "HyperParameterTuningJobConfig.ParameterRanges.AutoParameters",
            "TrainingJobDefinition.TuningObjective",
            "TrainingJobDefinition.HyperParameterRanges",
            "TrainingJobDefinitions",
            "WarmStartConfig",
            "Autotune",
        ),
        only={"HyperParameterTuningJobConfig.Strategy": ("Bayesian", "Random", "Grid")},
    ),
    "CreateTransformJob": Members(
        without_effect=(
            "ModelClientConfig.InvocationsMaxRetries",
            "DataCaptureConfig",
            "TransformResources.VolumeKmsKeyId",
            "TransformResources.TransformAmiVersion",
            "ExperimentConfig",
        ),
        only={
            "TransformInput.DataSource.S3DataSource.S3DataType": _S3_DATA_TYPES,
            "TransformInput.CompressionType": ("None",),
            "TransformInput.SplitType": ("None", "Line", "RecordIO"),
        },
    ),
    "CreateProcessingJob": Members(
        without_effect=(
            "ProcessingInputs.InputName",
            "ProcessingInputs.AppManaged",
            "ProcessingInputs.S3Input.S3DataDistributionType",
            "ProcessingOutputConfig.Outputs.OutputName",
            "ProcessingOutputConfig.Outputs.AppManaged",
            "ProcessingResources.ClusterConfig.VolumeSizeInGB",
            "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
            "NetworkConfig.EnableInterContainerTrafficEncryption",
            "NetworkConfig.VpcConfig",
            "ExperimentConfig",
        ),
        refused=(
            "ProcessingInputs.DatasetDefinition",
            "ProcessingOutputConfig.Outputs.FeatureStoreOutput",
            "ProcessingResources.ClusterConfig.InstancePreferences",
            "ProcessingResources.ClusterConfig.SelectedInstanceCount",
            "ProcessingResources.ClusterConfig.SelectedInstanceType",
        ),
        only={
            "ProcessingInputs.S3Input.S3DataType": _S3_DATA_TYPES,
            "ProcessingInputs.S3Input.S3InputMode": ("File",),
            "ProcessingInputs.S3Input.S3CompressionType": ("None",),
            "ProcessingOutputConfig.Outputs.S3Output.S3UploadMode": ("EndOfJob",),
        },
    ),
    "CreateModel": _CONTAINER.below("PrimaryContainer")
    | _CONTAINER.below("Containers")
    | Members(without_effect=("InferenceExecutionConfig", "VpcConfig")),
    "CreateEndpointConfig": Members(
        without_effect=(
            "ProductionVariants.VariantInstanceProvisionTimeoutInSeconds",
            "ProductionVariants.CoreDumpConfig",
            "ProductionVariants.ServerlessConfig.ProvisionedConcurrency",
            "ProductionVariants.VolumeSizeInGB",
            "ProductionVariants.ModelDataDownloadTimeoutInSeconds",
            "ProductionVariants.ContainerStartupHealthCheckTimeoutInSeconds",
            "ProductionVariants.EnableSSMAccess",
            "ProductionVariants.RoutingConfig",
            "ProductionVariants.InferenceAmiVersion",
            "ProductionVariants.CapacityReservationConfig",
            "ExecutionRoleArn",
            "VpcConfig",
            "EnableNetworkIsolation",
            "KmsKeyId",
            "MetricsConfig",
        ),
        refused=(
            "ProductionVariants.InstancePools",
            "ProductionVariants.AcceleratorType",
            "ProductionVariants.ManagedInstanceScaling",
            "AsyncInferenceConfig",
            "ExplainerConfig",
            "ShadowProductionVariants",
        ),
    ),
    "UpdateEndpointWeightsAndCapacities": Members(refused=("DesiredWeightsAndCapacities.ServerlessUpdateConfig",)),
    "CreateModelPackageGroup": Members(without_effect=("ManagedConfiguration",)),
    "CreateModelPackage": Members(without_effect=("ModelPackageRegistrationType", "ClientToken", "ManagedStorageType")),
    "ListModelPackageGroups": Members(only={"CrossAccountFilterOption": ("SameAccount",)}),
    "DescribeModelPackage": Members(without_effect=("IncludedData",)),
    "UpdateModelPackage": Members(
        without_effect=("ModelPackageRegistrationType", "ClientToken"),
        refused=("AdditionalInferenceSpecificationsToAdd",),
    ),
    # Of the runtime, whose members are headers.
    "InvokeEndpoint": Members(
        refused=(
            "TargetModel", "TargetContainerHostname", "EnableExplanations", "InferenceComponentName", "SessionId",
            "PrefixAwareId",
        ),
    ),
}  # fmt: skip
