"""The benchmark's results as a page of tables, plots, and JSON of the figures."""

# ruff: noqa: PLC0415, ANN401 (matplotlib is imported after its settings, and has no types)

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any, Final, NamedTuple

Record = dict[str, Any]

COLUMNS: Final[dict[str, tuple[str, str]]] = {
    "npmi": ("NPMI, test docs", ".3f"),
    "npmi_window": ("NPMI, window 10", ".3f"),
    "c_v": ("C_V", ".3f"),
    "npmi_window_by_rule": ("NPMI, window 10, by our rule", ".3f"),
    "c_v_by_rule": ("C_V, by our rule", ".3f"),
    "tu10": ("TU@10", ".3f"),
    "tu20": ("TU@20", ".3f"),
    "used": ("topics used", ".1f"),
    "flat": ("no topic above .3", ".3f"),
    "perplexity": ("completion perplexity", ".0f"),
    "purity": ("purity", ".3f"),
    "nmi": ("NMI", ".3f"),
    "knn": ("10-NN accuracy", ".3f"),
    "logistic": ("logistic regression", ".3f"),
    "cpu_s": ("CPU s", ".1f"),
    "wall_s": ("wall s", ".1f"),
    "memory_mb": ("peak MB", ".0f"),
}
CPU_TICKS: Final = (1, 2, 5, 10, 20, 50)
PACKAGES: Final = ("jax", "numpy", "scipy", "scikit-learn", "tomotopy", "gensim")
OURS, DEFAULT, GIBBS, NMF = "open NTM", "open NTM, adadelta", "Gibbs LDA", "NMF"
COMPARED: Final = (OURS, DEFAULT, GIBBS, NMF)
"""What the bounds read: without one of these there is no report."""


class Outcome(NamedTuple):
    """Everything that was measured."""

    tuning: dict[str, list[Record]]
    chosen: dict[str, Record]
    scored: list[Record]
    curves: list[Record]
    trials: int


class Bound(NamedTuple):
    """One of the bounds that were set beforehand."""

    name: str
    at_least: bool
    allowed: float
    measured: float

    @property
    def met(self) -> bool:
        """Whether the figure keeps to its bound."""
        return self.measured >= self.allowed if self.at_least else self.measured <= self.allowed


def write(folder: Path, outcome: Outcome) -> None:
    """Write <folder>/benchmarks/results.json, results.md and the plots."""
    target = folder / "benchmarks"
    target.mkdir(parents=True, exist_ok=True)
    figures = {"versions": _versions(), "chosen": outcome.chosen, "scored": _figures(outcome.scored)}
    (target / "results.json").write_text(json.dumps(figures) + "\n", encoding="utf-8")
    parts = [
        "# Benchmark results\n",
        _about(outcome),
        "## Bounds\n",
        _bounds_table(bounds(outcome)),
        "## Scores\n",
        *(_table(outcome, corpus, topics) for corpus, topics in _settings(outcome)),
        "## What tuning chose\n",
        _chosen(outcome),
        "## Topics of the first seed\n",
        _words(outcome),
    ]
    (target / "results.md").write_text("\n".join(parts), encoding="utf-8")
    if outcome.curves:
        _plot_curves(target / "quality-against-cpu.svg", outcome)
    _plot_topics(target / "npmi-and-tu.svg", outcome)


def _figures(records: Sequence[Record]) -> list[Record]:
    """Leave out what the page shows once: the words of topics, and settings, which are those of `chosen`."""
    return [{name: value for name, value in record.items() if name not in {"settings", "words"}} for record in records]


def average(outcome: Outcome, model: str, metric: str, topics: int = 30, corpus: str = "20newsgroups") -> float:
    """Return the mean over seeds."""
    return float(mean(record[metric] for record in _of(outcome, model, topics, corpus)))


def bounds(outcome: Outcome) -> list[Bound]:
    """Return the bounds set beforehand with what was measured, as ratios where they are ratios."""

    def ratio(metric: str, peer: str, topics: int = 30, model: str = OURS) -> float:
        return average(outcome, model, metric, topics) / average(outcome, peer, metric, topics)

    # Where not all of the three were scored, there is nothing to compare.
    numbers = [
        number
        for number in sorted({record["topics"] for record in outcome.scored if record["corpus"] == "20newsgroups"})
        if all(_of(outcome, model, number) for model in (OURS, GIBBS, NMF))
    ]
    result = [
        Bound("NPMI against Gibbs, K=30", True, 1.40, ratio("npmi", GIBBS)),
        Bound("NPMI against NMF, K=30", True, 1.20, ratio("npmi", NMF)),
        *(
            Bound(f"NPMI against {peer}, K={number}", True, 1.0, ratio("npmi", peer, number))
            for number in numbers
            if number != 30
            for peer in (GIBBS, NMF)
        ),
        Bound("TU@10, K=30", True, 0.92, average(outcome, OURS, "tu10")),
        Bound("topics used of 30, fewest of the seeds", True, 30, min(record["used"] for record in _of(outcome, OURS))),
        Bound("10-NN accuracy against Gibbs", True, 1.10, ratio("knn", GIBBS)),
        Bound("purity against Gibbs", True, 1.35, ratio("purity", GIBBS)),
        *(
            Bound(f"completion perplexity against Gibbs, K={number}", False, 1.0, ratio("perplexity", GIBBS, number))
            for number in numbers
            if number in {20, 30, 50}
        ),
        Bound("default optimizer: NPMI against Gibbs", True, 1.30, ratio("npmi", GIBBS, model=DEFAULT)),
        Bound("default optimizer: TU@10", True, 0.90, average(outcome, DEFAULT, "tu10")),
    ]
    if outcome.curves:
        result.append(
            Bound(
                "CPU s to pass Gibbs-1000 in NPMI, TU, 10-NN and purity, against its own",
                False,
                0.125,
                _cpu_to_pass(outcome),
            )
        )
    return result


def _cpu_to_pass(outcome: Outcome) -> float:
    wanted = {metric: average(outcome, GIBBS, metric) for metric in ("npmi", "tu10", "knn", "purity")}
    passing = [
        record["cpu_s"]
        for record in outcome.curves
        if record["model"] == OURS and all(record[metric] >= least for metric, least in wanted.items())
    ]
    # The first, and not the cheapest: CPU seconds of one fit are noisy, and a longer fit may have taken fewer.
    return float(next(iter(passing), float("inf"))) / average(outcome, GIBBS, "cpu_s")


def _of(outcome: Outcome, model: str, topics: int = 30, corpus: str = "20newsgroups") -> list[Record]:
    return [
        record
        for record in outcome.scored
        if (record["model"], record["topics"], record["corpus"]) == (model, topics, corpus)
    ]


def _settings(outcome: Outcome) -> list[tuple[str, int]]:
    return sorted({(record["corpus"], record["topics"]) for record in outcome.scored})


def _about(outcome: Outcome) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in _versions().items())
    return (
        f"{outcome.trials} trials a tuned model. {packages}. "
        f"Means over seeds, ± the standard deviation; in brackets the number of seeds. "
        f"The protocol is in [benchmarks.md](../benchmarks.md).\n"
    )


def _versions() -> dict[str, str]:
    return {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def _bounds_table(found: list[Bound]) -> str:
    lines = ["| bound | allowed | measured | met |", "|---|---|---|---|"]
    for bound in found:
        sign = "≥" if bound.at_least else "≤"
        lines.append(
            f"| {bound.name} | {sign} {bound.allowed:g} | {bound.measured:.3f} | {'yes' if bound.met else '**no**'} |"
        )
    return "\n".join(lines) + "\n"


def _table(outcome: Outcome, corpus: str, topics: int) -> str:
    lines = [
        f"### {corpus}, K = {topics}\n",
        "| model | " + " | ".join(title for title, _ in COLUMNS.values()) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for model in outcome.chosen:
        records = _of(outcome, model, topics, corpus)
        if not records:
            continue
        lines.append(
            f"| {model} ({len(records)}) | "
            + " | ".join(
                # Ours has no list but by its rule.
                _cell([record[name] for record in records], form) if name in records[0] else ""
                for name, (_, form) in COLUMNS.items()
            )
            + " |"
        )
    return "\n".join(lines) + "\n"


def _cell(values: list[float], form: str) -> str:
    spread = f" ± {stdev(values):{form}}" if len(values) > 1 and stdev(values) > 0 else ""
    return f"{mean(values):{form}}{spread}"


def _chosen(outcome: Outcome) -> str:
    lines = ["| model | settings | median CPU s of a trial |", "|---|---|---|"]
    for model, settings in outcome.chosen.items():
        seconds = [record["cpu_s"] for record in outcome.tuning.get(model, [])]
        shown = (
            ", ".join(f"{name} {value}" for name, value in settings.items()) or "the library's or the job's defaults"
        )
        lines.append(f"| {model} | {shown} | {f'{median(seconds):.1f}' if seconds else 'not tuned'} |")
    return "\n".join(lines) + "\n"


def _words(outcome: Outcome) -> str:
    parts = []
    for model in (OURS, GIBBS):
        first = next(record for record in _of(outcome, model) if record["seed"] == 0)
        parts.append(f"### {model}\n")
        parts += [f"{number}. {' '.join(words)}" for number, words in enumerate(first["words"], start=1)]
        parts.append("")
    return "\n".join(parts)


def _figure(path: Path, draw: Callable[[Any], None], panels: int) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    # Without these two a plot of the same figures would be another file each time.
    mpl.rcParams["svg.hashsalt"] = "open-ntm"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, panels, figsize=(5 * panels, 3.6), layout="constrained")
    draw(axes)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _plot_curves(path: Path, outcome: Outcome) -> None:
    metrics = ("npmi", "tu10", "knn", "purity")

    def draw(axes: Any) -> None:
        for axis, metric in zip(axes, metrics, strict=True):
            for model in (OURS, GIBBS):
                records = [record for record in outcome.curves if record["model"] == model]
                records += [record for record in _of(outcome, model) if record["seed"] == 0]
                axis.plot(
                    [record["cpu_s"] for record in records],
                    [record[metric] for record in records],
                    marker="o",
                    label=model,
                )
            axis.set(xscale="log", xlabel="CPU seconds", title=COLUMNS[metric][0])
            # A logarithmic axis of little more than a decade labels its minor ticks, over one another.
            axis.set_xticks(CPU_TICKS, [f"{tick:g}" for tick in CPU_TICKS])
            axis.minorticks_off()
        axes[0].legend()

    _figure(path, draw, len(metrics))


def _plot_topics(path: Path, outcome: Outcome) -> None:
    def draw(axes: Any) -> None:
        for axis, metric in zip(axes, ("npmi", "tu10", "perplexity"), strict=True):
            for model in outcome.chosen:
                numbers = sorted(
                    {
                        record["topics"]
                        for record in outcome.scored
                        if (record["model"], record["corpus"]) == (model, "20newsgroups")
                    }
                )
                if model != "plain NTM" and numbers:
                    axis.plot(
                        numbers,
                        [average(outcome, model, metric, number) for number in numbers],
                        marker="o",
                        label=model,
                    )
            axis.set(xlabel="topics", title=COLUMNS[metric][0])
            axis.set_xticks(sorted({topics for corpus, topics in _settings(outcome) if corpus == "20newsgroups"}))
        # Beside the panels: within any of them it would lie over a curve.
        axes[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))

    _figure(path, draw, 3)
