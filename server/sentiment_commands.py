"""`minsheng sentiment`: train a model on an operator's own labelled texts, and measure one.

Models live in the data folder.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from feedback import training
from feedback.evaluation import Evaluation, as_table, evaluate, judge
from feedback.model import Model, Ms1
from feedback.scorer import Scorer
from feedback.trained import NAME, BadModel, TrainedModel
from feedback.training import BadData, Labelled
from feedback.utterance import Utterance, classify
from server.config import ConfigurationError, Settings

FOLDER = "sentiment"


def model_path(settings: Settings, name: str) -> Path:
    """Where the model called *name* is kept."""
    return settings.data_dir / FOLDER / f"{name}.json"


def configured_model(settings: Settings) -> Model:
    """The model that makes the labels, as the setting says. Raises ConfigurationError where it cannot be read."""
    return named_model(settings, settings.sentiment_model)


def named_model(settings: Settings, name: str) -> Model:
    """`ms1` or a trained model. Raises ConfigurationError."""
    if name == Ms1.full_name:
        return Ms1()
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
    if not NAME.fullmatch(name) or name == Ms1.full_name:
        raise BadData(f"a model cannot be called {name!r}: small letters, digits, dots and dashes, at most 32")
    model = training.train(data, name, Scorer().sentiment, datetime.now(UTC))
    path = model_path(settings, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    model.write(path)
    return model, path


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
    scorer = Scorer()
    seen = [(item, scorer.sentiment(item.text), classify(item.text) is Utterance.QUESTION) for item in data]
    for model in (_Snownlp(), *models):
        # snownlp knows no questions: it is shown as it is.
        rule = not isinstance(model, _Snownlp)
        yield (
            model.full_name,
            evaluate(
                [
                    judge(
                        # The service gives no label where there is no score.
                        0.0 if score is None else model.feeling(item.text, score),
                        item.polarity,
                        model.negative_to,
                        model.positive_from,
                        question=question and rule,
                    )
                    for item, score, question in seen
                ]
            ),
        )
