"""Hyperparameters of the Neural Topic Model: names, ranges and defaults. Imports pydantic and nothing heavier.

`NtmHyperparameters` is what SageMaker's built-in NTM documents
(https://docs.aws.amazon.com/sagemaker/latest/dg/ntm_hyperparameters.html); `OpenNtmSwitches` is what only the open
implementation takes, and the built-in refuses.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, Self, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

FEATURE_DIM: Final = "feature_dim"
FEATURE_DIM_MIN: Final = 1
FEATURE_DIM_MAX: Final = 1_000_000

AUTO_ENCODER_LAYERS: Final = (3, 2)
"""`encoder_layers: auto` means layers of this many times as many units as there are topics.

https://docs.aws.amazon.com/sagemaker/latest/dg/ntm_hyperparameters.html
"""

SERVICE_OWN_NAMES: Final = frozenset({"_tuning_objective_metric"})
"""Hyperparameters that SageMaker itself adds to a job (a tuning job does); a container must let them pass."""

Optimizer = Literal["sgd", "adam", "adagrad", "adadelta", "rmsprop"]
Activation = Literal["sigmoid", "tanh", "relu"]
EncoderLayers = Literal["auto"] | tuple[Annotated[int, Field(ge=1)], ...]


class HyperparameterError(ValueError):
    """A hyperparameter that a job cannot run with. The message names it, its value and what is allowed."""


def _number(value: object) -> object:
    # Python counts true as 1; a caller who writes `epochs: true` has made a mistake.
    if isinstance(value, bool):
        raise ValueError("Input should be a number")  # noqa: TRY004 (pydantic turns only a ValueError into its own)
    return value


def _truth(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if isinstance(value, bool):
        return value
    raise ValueError("Input should be true or false")


Int = Annotated[int, BeforeValidator(_number)]
Float = Annotated[float, BeforeValidator(_number)]
Truth = Annotated[bool, BeforeValidator(_truth)]
NumTopics = Annotated[Int, Field(ge=2, le=1000)]
Epochs = Annotated[Int, Field(ge=1)]
MiniBatchSize = Annotated[Int, Field(ge=1, le=10_000)]
PatienceEpochs = Annotated[Int, Field(ge=1)]


class _Frozen(BaseModel):
    """Immutable settings that refuse unknown keys, so that a typo is an error and not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_strings(self) -> dict[str, str]:
        """Return every setting as the SageMaker API takes hyperparameters: strings. What is None is left out."""
        return {name: _as_string(value) for name, value in self if value is not None}


class NtmHyperparameters(_Frozen):
    """The built-in NTM's documented hyperparameters, without feature_dim: that is a fact of the corpus."""

    num_topics: NumTopics
    batch_norm: Truth = False
    clip_gradient: Annotated[Float, Field(ge=1e-3)] | None = None
    """Largest size of one gradient element; None is the documented default, Infinity."""
    encoder_layers: EncoderLayers = "auto"
    encoder_layers_activation: Activation = "sigmoid"
    epochs: Epochs = 50
    learning_rate: Annotated[Float, Field(ge=1e-6, le=1.0)] = 0.001
    mini_batch_size: MiniBatchSize = 256
    num_patience_epochs: PatienceEpochs = 3
    optimizer: Optimizer = "adadelta"
    rescale_gradient: Annotated[Float, Field(ge=1e-3, le=1.0)] = 1.0
    sub_sample: Annotated[Float, Field(ge=0.0, le=1.0)] = 1.0
    tolerance: Annotated[Float, Field(ge=1e-6, le=0.1)] = 0.001
    weight_decay: Annotated[Float, Field(ge=0.0, le=1.0)] = 0.0

    @field_validator("clip_gradient", mode="after")
    @classmethod
    def _infinity_is_no_clipping(cls, value: float | None) -> float | None:
        return None if value is None or math.isinf(value) else value

    @field_validator("encoder_layers", mode="before")
    @classmethod
    def _layers_from_a_comma_list(cls, value: object) -> object:
        if isinstance(value, str) and value.strip() != "auto":
            text = value.strip()
            # The SDKs' own NTM class writes a JSON list.
            cells = text[1:-1] if text.startswith("[") and text.endswith("]") else text
            value = [cell.strip() for cell in cells.split(",")]
        if isinstance(value, (list, tuple)):
            if not value or any(isinstance(cell, bool) or not str(cell).isdecimal() or int(cell) < 1 for cell in value):
                raise ValueError("Input should be auto or a comma list of layer sizes of 1 or more, such as 64,32")
            return tuple(int(cell) for cell in value)
        return value.strip() if isinstance(value, str) else value

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Units of each hidden layer of the encoder, `auto` resolved."""
        if isinstance(self.encoder_layers, str):
            return tuple(times * self.num_topics for times in AUTO_ENCODER_LAYERS)
        return self.encoder_layers

    def for_job(self, feature_dim: int) -> dict[str, str]:
        """Return the job's hyperparameters as the API takes them: strings, with the corpus's vocabulary size."""
        _check_feature_dim(feature_dim)
        return {FEATURE_DIM: str(feature_dim), **self.as_strings()}


OPEN_NTM_VALUES: Final[Mapping[str, object]] = MappingProxyType(
    {
        "optimizer": "adam",
        "learning_rate": 0.003,
        "encoder_layers": (128,),
        "encoder_layers_activation": "tanh",
        "num_patience_epochs": 15,
    }
)
"""What the open NTM learns best with, among the documented hyperparameters: the defaults of a stage that takes it. A
job that is told nothing has the documented ones."""


def default_mini_batch_size(documents: int) -> int:
    """Return the mini-batch for so many training documents: the power of two by which they make 32 steps, 32 to 128."""
    return min(128, max(32, 1 << (max(documents // 32, 1).bit_length() - 1)))


class ByTopics(NamedTuple):
    """Switches that go by the number of topics where they are not told."""

    prior_variance: float
    kl_weight: float
    topic_information: float

    @classmethod
    def default(cls, ntm: NtmHyperparameters) -> ByTopics:
        """Return them for a job; docs/ntm.md has the figures that they come from.

        The divergence is a sum over topics: a document pays for each that it does not have, and with many it pays more
        than its words are worth, so that topics die. So above 30 topics it weighs less, .46 for 50 and .16 for 100, and
        topic information takes its place. The prior's variance is 4 for 30 topics or fewer, 2 for 60 or more, and 1,
        the published model's, with adadelta, which learns worse with a wide prior.
        """
        weight = min(1.0, (30 / ntm.num_topics) ** 1.5)
        variance = 1.0 if ntm.optimizer == "adadelta" else max(2.0, min(4.0, 120 / ntm.num_topics))
        return cls(variance, weight, 4 * (1 - weight))


class OpenNtmSwitches(_Frozen):
    """What only the open NTM takes: the ingredients that make its topics better, and how it runs.

    The default of each is the best found; `OpenNtmSwitches.plain()` turns every ingredient off. See docs/ntm.md.
    """

    nmf_initialization: Truth = True
    """Start the decoder from a non-negative matrix factorisation of the TF-IDF matrix, instead of at random."""
    unigram_bias: Truth = True
    """Start the decoder's learned bias at the corpus's log word frequencies, instead of at zero."""
    input_weighting: Literal["tfidf", "counts"] = "tfidf"
    """What the encoder sees of a document: scaled log1p(count) x idf with a centred start, or its raw counts."""
    clamp_log_variance: Truth = True
    """Keep the posterior's log-variance within [-8, 4]."""
    least_input_share: Annotated[Float, Field(gt=0.0, le=1.0)] = 0.25
    """Least share of a document's words that the encoder sees in a training step; each step draws one between it and 1
    for each document, and the decoder must still predict all of the words. 1 turns this off."""
    document_weight_words: Annotated[Float, Field(ge=0.0, le=1_000_000.0)] = 150.0
    """A longer document's reconstruction loss counts as if it had this many words, so that a few long ones do not
    decide what the topics are; 0 lets each word count alike."""
    prior_variance: Annotated[Float, Field(ge=0.01, le=100.0)] | None = None
    """Variance of the prior of mu, Normal(0, prior_variance): below 1, topic weights are more even. 1 is the published
    model's; None goes by the number of topics (`ByTopics`)."""
    kl_weight: Annotated[Float, Field(ge=0.01, le=1.0)] | None = None
    """Weight of the KL divergence in the loss: below 1, documents may have more topics, and more topics live. 1 is the
    published model's; None goes by the number of topics (`ByTopics`)."""
    topic_information: Annotated[Float, Field(ge=0.0, le=1000.0)] | None = None
    """Weight of the mutual information of documents and topics, which draws each document to one topic and spreads the
    documents over all; 0 turns it off, None goes by the number of topics (`ByTopics`). In nats for documents of 30
    words, in proportion for others."""
    decoder_rate: Annotated[Float, Field(ge=0.1, le=100.0)] = 5.0
    """How many times learning_rate is the rate of the topics' word preferences; 1 turns this off. adadelta, which has
    no learning rate, has no use for it."""
    parameter_averaging: Annotated[Float, Field(ge=0.0, lt=1.0)] = 0.99
    """The model kept is a moving average of the parameters over the steps, and this the share of the old in it; 0 keeps
    the last step's."""
    coherence_weight: Annotated[Float, Field(ge=0.0, le=10_000.0)] = 5.0
    """Strength of the term that draws a topic's top words to those that occur together; 0 turns it off. For documents
    of 30 words; for others it goes with the square of their length."""
    coherence_unseen_share: Annotated[Float, Field(ge=0.0, le=100.0)] = 0.1
    """Size of an imagined unseen corpus, against the training documents, in which the words should still be met
    together: discounts words that share a few documents by chance. 0 takes the training documents at their word."""
    coherence_background_share: Annotated[Float, Field(ge=0.0, le=1.0)] = 0.6
    """How much a word's frequency everywhere counts among the words that the coherence term looks at: at 0 rare words
    come first, at 1 frequent ones."""
    coherence_temperature: Annotated[Float, Field(ge=0.1, le=10.0)] = 1.0
    """Over how many of a topic's words the coherence term spreads: above 1 over more, below over fewer."""
    topic_repulsion: Annotated[Float, Field(ge=0.0, le=1000.0)] = 8.0
    """Strength, within the coherence term, of what parts topics that lead with the same words; 0 turns it off."""
    weight_exponent: Annotated[Float, Field(ge=1.0, le=4.0)] = 1.25
    """Topic weights are served raised to this power and summing to 1 again, so that a document's own topics stand out;
    1 serves them as the model has them."""
    seed: Annotated[Int, Field(ge=0, le=2**31 - 1)] = 0
    """Same seed, data and number of instances: same model, to the last bit."""
    max_memory_mb: Annotated[Int, Field(ge=16, le=1_000_000)] = 256
    """Most memory that a channel's documents may take; a larger corpus streams from disk each epoch."""

    def by_topics(self, ntm: NtmHyperparameters) -> ByTopics:
        """Return the switches that go by the number of topics, as told or as they go."""
        told = {name: value for name in ByTopics._fields if (value := getattr(self, name)) is not None}
        return ByTopics.default(ntm)._replace(**told)

    @classmethod
    def plain(cls, *, seed: int = 0) -> Self:
        """Return the published NTM: every ingredient off."""
        return cls(
            nmf_initialization=False,
            unigram_bias=False,
            input_weighting="counts",
            clamp_log_variance=False,
            least_input_share=1.0,
            document_weight_words=0.0,
            prior_variance=1.0,
            kl_weight=1.0,
            topic_information=0.0,
            decoder_rate=1.0,
            parameter_averaging=0.0,
            coherence_weight=0.0,
            coherence_unseen_share=0.0,
            coherence_background_share=0.25,
            coherence_temperature=1.0,
            topic_repulsion=0.0,
            weight_exponent=1.0,
            seed=seed,
        )


class JobHyperparameters(_Frozen):
    """Everything a training job of the open NTM is told."""

    feature_dim: Annotated[Int, Field(ge=FEATURE_DIM_MIN, le=FEATURE_DIM_MAX)]
    ntm: NtmHyperparameters
    switches: OpenNtmSwitches = OpenNtmSwitches()


def parse_job_hyperparameters(raw: Mapping[str, str]) -> JobHyperparameters:
    """Read a job's hyperparameters from the strings that SageMaker passes.

    Raises:
        HyperparameterError: unknown or missing name, or a value out of range; one sentence, naming all three.
    """
    documented, switches = {}, {}
    for name, value in raw.items():
        if name in SERVICE_OWN_NAMES or name == FEATURE_DIM:
            continue
        if name in NtmHyperparameters.model_fields:
            documented[name] = value
        elif name in OpenNtmSwitches.model_fields:
            switches[name] = value
        else:
            known = sorted([FEATURE_DIM, *NtmHyperparameters.model_fields, *OpenNtmSwitches.model_fields])
            raise HyperparameterError(f"hyperparameter {name!r} is unknown; known are {', '.join(known)}")
    try:
        return JobHyperparameters.model_validate(
            {**({FEATURE_DIM: raw[FEATURE_DIM]} if FEATURE_DIM in raw else {}), "ntm": documented, "switches": switches}
        )
    except ValidationError as error:
        raise HyperparameterError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    fault = error.errors()[0]
    names = [part for part in fault["loc"] if isinstance(part, str) and part not in ("ntm", "switches")]
    requirement = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if not names:
        return requirement
    if fault["type"] in ("greater_than_equal", "less_than_equal"):
        requirement = _range(names[0])
    if fault["type"] == "missing":
        return f"hyperparameter {names[0]!r} is required and was not given"
    return f"hyperparameter {names[0]!r} is {str(fault['input'])[:60]!r}, but should be {requirement}"


def _range(name: str) -> str:
    field = next(
        model.model_fields[name]
        for model in (JobHyperparameters, NtmHyperparameters, OpenNtmSwitches)
        if name in model.model_fields
    )
    # An optional number keeps its bounds in its annotation, any other in the field.
    metadata = [*field.metadata, *(part for kind in get_args(field.annotation) for part in get_args(kind))]
    bounds = [bound for part in metadata for bound in (part.metadata if isinstance(part, FieldInfo) else [part])]
    low = next(bound.ge for bound in bounds if isinstance(bound, Ge))
    high = [bound.le for bound in bounds if isinstance(bound, Le)]
    return f"{low} to {high[0]}" if high else f"{low} or more"


def _check_feature_dim(feature_dim: int) -> None:
    if not FEATURE_DIM_MIN <= feature_dim <= FEATURE_DIM_MAX:
        raise HyperparameterError(
            f"hyperparameter {FEATURE_DIM!r} is {feature_dim}, but should be {FEATURE_DIM_MIN} to {FEATURE_DIM_MAX}"
        )


def _as_string(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(str(cell) for cell in value)
    return str(value)
