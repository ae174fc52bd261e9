"""Where functions, training and model run: nowhere in particular, in a VPC that is there, or in one of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sagemaker as sagemaker

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Placement:
    """Subnets and security groups of a VPC, and what must be there before anything in it can reach AWS."""

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    ready: Sequence[cdk.CfnResource] = ()
    made_by: str = ""
    """What the stage's own network is made by. Its ids are known at the deploy only, and a published version of a
    function keeps those that it was published with."""

    def of_function(self) -> lambda_.CfnFunction.VpcConfigProperty:
        """Return the placement as Lambda takes it."""
        return lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=list(self.subnet_ids), security_group_ids=list(self.security_group_ids)
        )

    def of_model(self) -> sagemaker.CfnModel.VpcConfigProperty:
        """Return the placement as SageMaker takes it."""
        return sagemaker.CfnModel.VpcConfigProperty(
            subnets=list(self.subnet_ids), security_group_ids=list(self.security_group_ids)
        )

    def substitutions(self) -> dict[str, str]:
        """Return the ids by the names that a state machine's definition has for them."""
        return {
            **{f"Subnet{number}": subnet for number, subnet in enumerate(self.subnet_ids)},
            **{f"SecurityGroup{number}": group for number, group in enumerate(self.security_group_ids)},
        }

    def place(self, function: lambda_.Function) -> None:
        """Put a function into the VPC."""
        resource = function.node.default_child
        if not isinstance(resource, lambda_.CfnFunction):
            raise TypeError(f"{function.node.path} declares no function")
        resource.vpc_config = self.of_function()
        if self.made_by:
            function.invalidate_version_based_on(self.made_by)
        home = cdk.Stack.of(function).node.path
        # Other stacks are deployed after the one with the network, and destroyed before it.
        own = [resource for resource in self.ready if cdk.Stack.of(resource).node.path == home]
        if own:
            function.node.add_dependency(*own)
