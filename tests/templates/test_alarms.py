from __future__ import annotations

from tests.templates.conftest import Synthesize
from tests.templates.test_retraining import RETRAINS
from tests.templates.test_sweep import SWEEP


def test_every_state_machine_rings_when_a_run_fails_or_takes_too_long(synthesize: Synthesize) -> None:
    templates = synthesize(RETRAINS | SWEEP)

    for part, machines in (("training", {"training", "retraining", "sweep"}), ("serving", {"transform"})):
        found = templates[part].find_resources("AWS::StepFunctions::StateMachine")
        alarms = [
            alarm["Properties"]
            for alarm in templates[part].find_resources("AWS::CloudWatch::Alarm").values()
            if alarm["Properties"].get("Namespace") == "AWS/States"
        ]
        named = {body["Properties"]["StateMachineName"].rpartition("-")[2] for body in found.values()}

        assert named == machines
        assert sorted((alarm["Dimensions"][0]["Value"]["Ref"], alarm["MetricName"]) for alarm in alarms) == sorted(
            (name, metric) for name in found for metric in ("ExecutionsFailed", "ExecutionsTimedOut")
        )
        assert all(alarm["Threshold"] == 1 and len(alarm["AlarmActions"]) == 1 for alarm in alarms)
        assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms)
