"""The settings that add or change resources, and combinations in which every two of their values meet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import TypeAlias

from stacks.settings import cdk_json
from stacks.settings.errors import SynthError

Row: TypeAlias = "dict[str, str]"
"""The value of each setting, by its name in SPACE."""
Pair: TypeAlias = "tuple[tuple[str, str], tuple[str, str]]"

STAGE = "twelveletter"
"""As long as a stage's name may be: names and policies are at their longest."""
ORGANISATION_BOUNDARY = "arn:aws:iam::210987654321:policy/teams/boundary"
KEYS = {
    purpose: f"arn:aws:kms:us-east-1:210987654321:key/{number}1111111-2222-3333-4444-555555555555"
    for number, purpose in enumerate(("data", "operations", "capture"), start=2)
}
_KEY = "arn:aws:kms:us-east-1:210987654321:key/11111111-2222-3333-4444-555555555555"
_TOPIC = "arn:aws:sns:us-east-1:210987654321:on-call"
_CORPUS = {"bucket": "corpora-of-another-team", "prefix": "prepared/" + "ab" * 32}
_CALLER = "arn:aws:iam::210987654321:role/caller"
_BASE: Mapping[str, object] = {"log_retention_days": 365}

SPACE: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "algorithm": {each: {"algorithm": each} for each in ("builtin", "open")},
    "endpoint": {
        "elastic": {"endpoint": {"min_instances": 2, "max_instances": 4}},
        "fixed": {"endpoint": {"min_instances": 2, "max_instances": 2}},
        "own disks": {"endpoint": {"instance_type": "ml.g4dn.xlarge", "min_instances": 2}},
        "serverless": {"endpoint": {"serverless": {}}},
        "down at night": {
            "endpoint": {
                "min_instances": 2,
                "schedule": {"down": "cron(0 19 ? * MON-FRI *)", "up": "cron(0 7 ? * MON-FRI *)"},
            }
        },
    },
    "training": {
        "processors": {},
        "graphics": {"training": {"instance_type": "ml.g4dn.xlarge", "instance_count": 1}},
        "by a person": {"training": {"run_on_deploy": False}},
    },
    "network": {
        "none": {"network": {"kind": "none"}},
        "own": {"network": {"kind": "own"}},
        "existing": {
            "network": {
                "kind": "existing",
                "subnet_ids": ["subnet-0123456789abcdef0"],
                "security_group_ids": ["sg-0123456789abcdef0"],
            }
        },
    },
    "capture": {
        "none": {"capture": None},
        "all": {"capture": {}},
        "under a key": {"capture": {}, "keys": {"capture": KEYS["capture"]}},
    },
    "similar": {
        "none": {"similar": None},
        "function": {"similar": {"store": "function", "reserved_concurrency": 10}},
        "s3-vectors": {"similar": {"store": "s3-vectors", "reserved_concurrency": 10}},
    },
    "transform.schedule": {"none": {}, "weekly": {"transform": {"schedule": "rate(7 days)"}}},
    "sweep": {"none": {}, "some": {"sweep": {}}},
    "preparation": {
        "none": {},
        "some": {"preparation": {"documents": {"bucket": "raw-documents", "prefix": "mail/", "kms_key_arn": _KEY}}},
    },
    "retraining": {
        "none": {"retraining": None},
        "weekly": {"retraining": {}},
        "sundays": {"retraining": {"schedule": "cron(0 3 ? * SUN *)"}},
    },
    "url": {
        "signed": {"url": {"reserved_concurrency": 100}},
        "called from elsewhere": {
            "url": {
                "reserved_concurrency": 100,
                "callers": [_CALLER],
                "cors": {"origins": ["https://topics.example.com"]},
                "snap_start": True,
            }
        },
        "auth NONE": {
            "url": {"reserved_concurrency": 5, "auth": "NONE", "open_because": "A demonstration for everybody"}
        },
        "none": {"url": {"reserved_concurrency": 100, "enabled": False}},
    },
    "account_logs": {"none": {}, "kept": {"account_logs": {}}, "under a key": {"account_logs": {"kms_key_arn": _KEY}}},
    "alarms": {
        "own topic": {},
        "e-mail and budget": {"alarms": {"emails": ["on-call@example.com"]}, "budget": {"monthly_usd": 50}},
        "named topic": {"alarms": {"topic_arn": _TOPIC, "topic_key_arn": _KEY}},
    },
    "keys": {
        "own": {},
        "named": {"keys": {"data": KEYS["data"], "operations": KEYS["operations"]}},
    },
    "organisation": {
        "none": {},
        "tags and logs": {
            "organisation": {
                "tags": {"CostCentre": "4711"},
                "access_log_bucket": "access-logs-of-the-organisation",
            }
        },
        "roles": {
            "organisation": {
                "permissions_boundary": ORGANISATION_BOUNDARY,
                "role_path": "/teams/topics/",
                "role_name_prefix": "topics-",
            }
        },
    },
    "account": {"any": {}, "pinned": {"account": "123456789012", "region": "us-east-1"}},
    "operations.tracing": {"off": {"operations": {"tracing": False}}, "on": {"operations": {"tracing": True}}},
    "operations.dashboard": {"off": {"operations": {"dashboard": False}}, "on": {}},
    "hardened": {"off": {"hardened": False}, "on": {"hardened": True}},
    "rollout.strategy": {
        each: {"rollout": {"strategy": each}} for each in ("all_at_once", "canary", "linear", "rolling")
    },
    "rollout.rollback_on_alarm": {"on": {}, "off": {"rollout": {"rollback_on_alarm": False}}},
    "removal_policy": {each: {"removal_policy": each} for each in ("retain", "destroy")},
    "approval": {each: {"approval": each} for each in ("automatic", "manual")},
    "corpus": {
        "path": {},
        "s3": {"corpus": {"s3": _CORPUS}},
        "s3 under a key": {"corpus": {"s3": {**_CORPUS, "kms_key_arn": _KEY}}},
    },
}
_PROMISED: Row = {
    "network": "own", "capture": "all", "removal_policy": "retain", "operations.tracing": "on",
    "rollout.rollback_on_alarm": "on", "url": "signed", "endpoint": "elastic",
}  # fmt: skip
"""What a hardened stage must have."""


def settings(row: Row) -> Mapping[str, object]:
    """The settings of a combination, as cdk.json would have them."""
    return reduce(cdk_json.merged, (SPACE[name][value] for name, value in row.items()), dict(_BASE))


def refusal(row: Row) -> str | None:
    """The sentence that refuses a combination; None where it is taken."""
    try:
        cdk_json.load({STAGE: settings(row)}, stage=STAGE)
    except SynthError as error:
        return str(error)
    return None


def pairs() -> Iterator[Pair]:
    """Every two values of two settings."""
    for (name, values), (other, others) in itertools.combinations(SPACE.items(), 2):
        yield from (((name, value), (other, another)) for value in values for another in others)


def refused_pairs() -> dict[Pair, tuple[str, ...]]:
    """Those that no stage may have together, and what is said: in a stage with defaults, and in a hardened one."""
    found: dict[Pair, tuple[str, ...]] = {}
    for pair in pairs():
        said = [refusal({**context, **dict(pair)}) for context in ({}, _PROMISED)]
        if all(said):
            found[pair] = tuple(str(each) for each in said)
    return found


def covering() -> list[Row]:
    """Combinations in which every two values meet that may; the same each time."""
    refused = refused_pairs().keys()
    missing = [pair for pair in pairs() if pair not in refused]
    rows = []
    while missing:
        row = _completed(dict(missing[0]), set(missing), refused)
        rows.append({name: row[name] for name in SPACE})
        missing = [(one, other) for one, other in missing if row[one[0]] != one[1] or row[other[0]] != other[1]]
    return rows


def _completed(row: Row, missing: set[Pair], refused: object) -> Row:
    """Fill a combination, a setting at a time, with the value that brings most missing pairs and is refused by none."""
    assert isinstance(refused, (set, frozenset, type({}.keys())))
    names = [name for name in SPACE if name not in row]
    if not names:
        return row
    [name, *_] = names

    def met(value: str) -> list[Pair]:
        added = [(name, value), *row.items()]
        order = list(SPACE)
        return [tuple(sorted((added[0], each), key=lambda one: order.index(one[0]))) for each in added[1:]]  # type: ignore[misc]

    ranked = sorted(SPACE[name], key=lambda value: -sum(pair in missing for pair in met(value)))
    for value in ranked:
        if not any(pair in refused for pair in met(value)):
            try:
                return _completed({**row, name: value}, missing, refused)
            except LookupError:
                continue
    raise LookupError(f"no value of {name} goes with {row}")


def summary() -> str:
    """What docs/settings.md says of the combinations that are proven, as Markdown."""
    refused = refused_pairs()
    against: dict[str, set[str]] = {}
    for (one, _), (other, _) in refused:
        for name, another in ((one, other), (other, one)):
            against.setdefault(name, set()).add(another)
    lines = [
        f"{len(SPACE)} settings with {sum(map(len, SPACE.values()))} values make {len(list(pairs())):,} pairs of "
        f"values; {len(refused)} are refused, and {len(covering())} stages have every other pair in one of them.",
        "",
        "| Setting | Values | Some values are refused beside |",
        "|---|---|---|",
    ]
    for name, values in SPACE.items():
        beside = ", ".join(sorted(against.get(name, ()))) or "nothing"
        lines.append(f"| {name} | {', '.join(values)} | {beside} |")
    return "\n".join(lines) + "\n"
