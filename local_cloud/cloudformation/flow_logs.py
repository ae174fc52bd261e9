"""AWS::EC2::FlowLog: recorded and told by DescribeFlowLogs; no packet is seen here, so nothing is ever delivered."""

from __future__ import annotations

from local_cloud.cloudformation.handlers import Created, ResourceType
from local_cloud.shared import emulated_identity, emulator
from local_cloud.shared.wire import JsonObject, Node


def resource_types() -> list[ResourceType]:
    """Return the type."""
    return [ResourceType("AWS::EC2::FlowLog", _FlowLogHandler(), has_tags=True)]


class _FlowLogHandler:
    def create(self, logical_id: str, properties: JsonObject) -> Created:
        del logical_id
        given = Node(properties)
        role = given.text("DeliverLogsPermissionArn")
        if given.text("LogGroupName") and not role:
            raise ValueError("DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs")
        if role and emulated_identity.find_role(emulator.current_scope(), role) is None:
            raise ValueError(f"Unable to assume given IAM role: {role} does not exist")
        flow_log = emulator.create_flow_log(
            {name: value for name, value in properties.items() if isinstance(value, str)}
        )
        self._tag(flow_log, given)
        return flow_log, {"Id": flow_log}

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old
        self._tag(physical_id, Node(new))
        return physical_id, {"Id": physical_id}

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        emulator.delete_flow_log(physical_id)

    def _tag(self, flow_log: str, properties: Node) -> None:
        emulator.tag_ec2(flow_log, {tag.text("Key"): tag.text("Value") for tag in properties.nodes("Tags")})
