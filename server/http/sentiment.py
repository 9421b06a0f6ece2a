"""Mood and topics over time, and hosts' corrections as training data."""

from datetime import datetime

from aiohttp import web
from pydantic import BaseModel

from feedback.digest.model import Sentiment
from feedback.scorer import Label
from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.mood import Picture, corrections, margin, picture_of
from server.store.tables import Act

_NOTE = Sentiment("", {}).note


class MoodPoint(BaseModel):
    """What was said from `at` on, for `minutes`."""

    at: datetime
    counts: dict[str, int]
    topics: list[int]


class MoodTopic(BaseModel):
    """A word, and in how many of the newest 2,000 entries it stands."""

    word: str
    n: int


class MoodAnswer(BaseModel):
    """The picture; every number of it with the n that it is counted from."""

    minutes: int
    n: int
    scored: int
    corrected: int
    counts: dict[str, int]
    margins: dict[str, float]
    """Half the 95 % interval of each label's share of `scored`; the model's own error (`note`) comes on top."""
    points: list[MoodPoint]
    topics: list[MoodTopic]
    truncated: bool
    """Only the newest 20,000 entries were counted."""
    note: str

    @classmethod
    def of(cls, picture: Picture) -> "MoodAnswer":
        counts = {label: sum(point.counts[label] for point in picture.points) for label in Label}
        scored = sum(count for label, count in counts.items() if label is not Label.UNSCORED)
        return cls(
            minutes=picture.minutes,
            n=picture.n,
            scored=scored,
            corrected=picture.corrected,
            counts={label.value: count for label, count in counts.items()},
            margins={
                label.value: round(margin(count, scored), 4)
                for label, count in counts.items()
                if label is not Label.UNSCORED
            },
            points=[
                MoodPoint(
                    at=point.at,
                    counts={label.value: count for label, count in point.counts.items()},
                    topics=list(point.topics),
                )
                for point in picture.points
            ],
            topics=[MoodTopic(word=word, n=count) for word, count in picture.topics],
            truncated=picture.truncated,
            note=_NOTE,
        )


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/mood",
    right=Right.HOST,
    summary="Mood and topics over time, with n and error",
    answer=MoodAnswer,
)
async def mood(call: Call[None]) -> MoodAnswer:
    async with call.services.database.read() as session:
        return MoodAnswer.of(await picture_of(session, call.target.id))


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/corrections",
    right=Right.HOST,
    summary="Labels that hosts corrected, as training data (CSV) without names; the download is logged",
)
async def download_corrections(call: Call[None]) -> web.Response:
    now = call.services.now()
    async with call.services.database.write() as session:
        body, count = await corrections(session, call.target.id)
        session.add(
            Act(
                at=now,
                account_id=call.staff.account_id,
                activity_id=call.target.id,
                act="download",
                detail={"what": "corrections", "entries": count},
            )
        )
    return web.Response(
        body=body,
        content_type="text/csv",
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{call.target.slug}-corrections.csv"',
            "Cache-Control": "no-store",
        },
    )
