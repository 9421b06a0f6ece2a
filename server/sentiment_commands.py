"""`minsheng sentiment`: train a model on an operator's own labelled texts, and measure one.

Models live in the data folder.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from feedback import synthetic, training
from feedback.evaluation import Evaluation, Judged, as_table, evaluate, judge
from feedback.model import Model, Ms1
from feedback.scorer import Label, Scorer, feeling_of, label
from feedback.simplified import simplified
from feedback.trained import NAME, SHIPPED_NAME, BadModel, TrainedModel, shipped
from feedback.training import BadData, Labelled, Polarity
from feedback.utterance import classify
from server.config import ConfigurationError, Settings

FOLDER = "sentiment"
_OURS: dict[str, Callable[[], Model]] = {Ms1.full_name: Ms1, SHIPPED_NAME: shipped}


def model_path(settings: Settings, name: str) -> Path:
    """Where the model called *name* is kept."""
    return settings.data_dir / FOLDER / f"{name}.json"


def configured_model(settings: Settings) -> Model:
    """The model that makes the labels, as the setting says. Raises ConfigurationError where it cannot be read."""
    return named_model(settings, settings.sentiment_model)


def named_model(settings: Settings, name: str) -> Model:
    """`ms2`, which ships, `ms1` before it, or one of the operator's own. Raises ConfigurationError."""
    if name in _OURS:
        return _OURS[name]()
    path = model_path(settings, name)
    try:
        return TrainedModel.read(path)
    except FileNotFoundError:
        raise ConfigurationError(f"there is no sentiment model {name!r}: {path} is missing") from None
    except (BadModel, OSError) as error:
        raise ConfigurationError(str(error)) from None


def read(files: Sequence[Path], text: str, label: str, half: str) -> list[Labelled]:
    """The labelled texts of all *files*, each text once, of the half that was asked for. Raises BadData, OSError."""
    kept: dict[str, Labelled] = {}
    for path in files:
        for item in training.read_labelled(path, text=text, label=label):
            if half == "all" or training.in_half(item.text, half):
                kept.setdefault(item.text, item)
    if not kept:
        raise BadData("no labelled text was found")
    return list(kept.values())


def train(settings: Settings, name: str, data: Sequence[Labelled]) -> tuple[TrainedModel, Path]:
    """Train a model and keep it in the data folder, in place of an earlier one. Raises BadData, OSError."""
    if not NAME.fullmatch(name) or name in _OURS:
        raise BadData(f"a model cannot be called {name!r}: small letters, digits, dots and dashes, at most 32")
    model = training.train(data, name, Scorer(labels=Ms1()).sentiment, datetime.now(UTC))
    path = model_path(settings, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    model.write(path)
    return model, path


def train_shipped(path: Path) -> TrainedModel:
    """Make ms2 again from the texts that ship, and write it to *path*. Raises OSError."""
    model = synthetic.train_shipped(Scorer(labels=Ms1()).sentiment)
    model.write(path)
    return model


def measure(models: Sequence[Model], data: Sequence[Labelled]) -> str:
    """A table with a row for each model, and one for snownlp alone."""
    return as_table(list(_evaluations(models, data)))


class _Snownlp:
    """snownlp's score as a label, for comparison: 正面 from 0.8, 负面 to 0.2."""

    full_name = "snownlp alone"
    positive_from = 0.3
    negative_to = -0.3

    def feeling(self, _text: str, score: float | None) -> float:
        return 0.0 if score is None else score - 0.5


def _evaluations(models: Sequence[Model], data: Sequence[Labelled]) -> Iterator[tuple[str, Evaluation]]:
    scorer = Scorer(labels=Ms1())
    seen = [(item, scorer.sentiment(item.text), classify(simplified(item.text))) for item in data]
    alone = _Snownlp()
    yield (
        alone.full_name,
        # snownlp knows no questions: it is shown as it is.
        evaluate(
            [
                judge(alone.feeling(item.text, score), item.polarity, alone.negative_to, alone.positive_from)
                for item, score, _ in seen
            ]
        ),
    )
    for model in models:
        yield (
            model.full_name,
            evaluate(
                [
                    Judged(
                        feeling_of(item.text, score, model) or 0.0,
                        _POLARITY.get(label(item.text, score, utterance, model), Polarity.NEUTRAL),
                        item.polarity,
                    )
                    for item, score, utterance in seen
                ]
            ),
        )


_POLARITY = {Label.POSITIVE: Polarity.POSITIVE, Label.NEGATIVE: Polarity.NEGATIVE}
