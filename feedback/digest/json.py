"""The digest as JSON, for other software. `schema.json` beside this file describes it; absent values are null."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from feedback.decisions import DENOMINATOR
from feedback.digest.figures import Figure, figures
from feedback.digest.model import Activity, Audience, Comment, Digest, Question, Sentiment, Suggestion, ToDo
from feedback.scorer import Label
from feedback.states import Reason

VERSION = 4


def render(digest: Digest) -> bytes:
    """UTF-8 without a mark, one entry a line, so that two digests can be compared by lines."""
    head = {
        "version": VERSION,
        "as_of": _time(digest.as_of),
        "activity": _activity(digest.activity),
        "audience": _audience(digest.audience),
        "ledger": {
            "received": digest.ledger.received,
            "shown": digest.ledger.shown,
            "withheld": digest.ledger.withheld,
            "merged": digest.ledger.merged,
            "withdrawn": digest.ledger.withdrawn,
            "deleted": digest.ledger.deleted,
            "balanced": digest.ledger.balanced,
        },
        "hidden_by_reason": {reason.value: digest.hidden.get(reason, 0) for reason in Reason},
        "sentiment": _sentiment(digest.sentiment),
        "adoption": _adoption(digest),
        "figures": [_figure(figure) for figure in figures(digest)],
    }
    lists = {
        "comments": [_comment(comment) for comment in digest.comments],
        "questions": [_question(question) for question in digest.questions],
        "suggestions": [_suggestion(suggestion) for suggestion in digest.suggestions],
        "to_do": [_to_do(line) for line in digest.to_do],
    }
    text = _dump(head)[:-1]
    for name, rows in lists.items():
        body = ",\n".join(_dump(row) for row in rows)
        text += f',\n"{name}":[' + (f"\n{body}\n]" if rows else "]")
    return (text + "}\n").encode()


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _time(at: datetime | None) -> str | None:
    if at is None:
        return None
    text = at.astimezone(UTC).isoformat(timespec="milliseconds" if at.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def _code(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _activity(activity: Activity) -> dict[str, Any]:
    return {
        "slug": activity.slug,
        "title": activity.title,
        "kind": activity.kind,
        "topic": activity.topic,
        "units": list(activity.units),
        "form": activity.form,
        "place": activity.place,
        "starts_at": _time(activity.starts_at),
        "ends_at": _time(activity.ends_at),
        "live_started_at": _time(activity.live_started_at),
        "live_ended_at": _time(activity.live_ended_at),
    }


def _audience(audience: Audience) -> dict[str, Any]:
    return {
        "devices": audience.devices,
        "peak": audience.peak,
        "peak_at": _time(audience.peak_at),
        "watch_minutes": round(audience.watch_minutes, 1),
        "samples": [{"at": _time(sample.at), "watching": sample.watching} for sample in audience.samples],
    }


def _sentiment(sentiment: Sentiment) -> dict[str, Any]:
    return {
        "model": sentiment.model,
        "scored": sentiment.scored,
        "counts": {label.value: sentiment.counts.get(label, 0) for label in Label},
        "corrected": sentiment.corrected,
        "note": sentiment.note,
    }


def _adoption(digest: Digest) -> dict[str, Any]:
    adoption = digest.adoption
    numbers: dict[str, Any] = {decision.value: number for decision, number in adoption.by_decision.items()}
    return numbers | {
        "undecided": adoption.undecided,
        "decided": adoption.decided,
        "rate": adoption.rate,
        "denominator": DENOMINATOR,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    value = _time(figure.value) if isinstance(figure.value, datetime) else figure.value
    return {"section": figure.section, "name": figure.name, "value": value, "unit": figure.unit.value}


def _to_do(line: ToDo) -> dict[str, Any]:
    return {"what": line.what, "text": line.text, "unit": line.unit, "due": line.due.isoformat() if line.due else None}


def _comment(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "at": _time(comment.at),
        "nickname": comment.nickname,
        "text": comment.text,
        "label": _code(comment.label),
        "score": comment.score,
        "utterance": _code(comment.utterance),
        "suggestion": comment.suggestion,
    }


def _question(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "at": _time(question.at),
        "nickname": question.nickname,
        "text": question.text,
        "state": question.state.value,
        "votes": question.votes,
        "merged": question.merged,
        "mode": _code(question.mode),
        "answer": question.answer,
        "answered_at": _time(question.answered_at),
        "label": _code(question.label),
        "score": question.score,
        "suggestion": question.suggestion,
    }


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "number": suggestion.number,
        "text": suggestion.text,
        "nickname": suggestion.nickname,
        "topic": suggestion.topic,
        "merged": suggestion.merged,
        "decision": _code(suggestion.decision),
        "reason": suggestion.reason,
        "transferred_to": suggestion.transferred_to,
        "decided_at": _time(suggestion.decided_at),
        "updates": [
            {
                "at": _time(update.at),
                "unit": update.unit,
                "progress": update.progress.value,
                "text": update.text,
            }
            for update in suggestion.updates
        ],
    }
