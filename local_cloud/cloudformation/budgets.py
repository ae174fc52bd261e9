"""AWS::Budgets::Budget: kept by MiniStack's AWS Budgets, which sees no bill, so nobody is ever told."""

from __future__ import annotations

from local_cloud.cloudformation.handlers import Created, ResourceType, generated_name
from local_cloud.shared import emulator
from local_cloud.shared.wire import JsonObject, MutableJson, Node


def resource_types() -> list[ResourceType]:
    """Return the type."""
    return [ResourceType("AWS::Budgets::Budget", _BudgetHandler())]


class _BudgetHandler:
    def create(self, logical_id: str, properties: JsonObject) -> Created:
        budget = _budget(properties, generated_name(logical_id))
        notifications = properties.get("NotificationsWithSubscribers", [])
        tags = properties.get("ResourceTags", [])
        request = {"Budget": budget, "NotificationsWithSubscribers": notifications, "ResourceTags": tags}
        emulator.budgets("CreateBudget", request)
        return str(budget["BudgetName"]), {}

    def update(self, physical_id: str, old: JsonObject, new: JsonObject) -> Created:
        del old
        emulator.budgets("UpdateBudget", {"NewBudget": _budget(new, physical_id)})
        return physical_id, {}

    def delete(self, physical_id: str, properties: JsonObject) -> None:
        del properties
        try:
            emulator.budgets("DeleteBudget", {"BudgetName": physical_id})
        except ValueError as error:
            if "doesn't exist" not in str(error):
                raise


def _budget(properties: JsonObject, name: str) -> MutableJson:
    """Return the API's Budget, whose amount is a text where the template's is a number."""
    budget: MutableJson = {"BudgetName": name, **Node(properties).node("Budget").values}
    limit = Node(budget).node("BudgetLimit").values
    return {**budget, "BudgetLimit": {**limit, "Amount": str(limit["Amount"])}} if limit else budget
