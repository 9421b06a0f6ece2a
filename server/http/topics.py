"""分类 of suggestions: what a clerk files, and what is proposed."""

import asyncio
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from feedback.text import clean
from feedback.topics import LONGEST, proposals
from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.topics import file_under, topics_of, unfiled

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]
Id = Annotated[int, Field(ge=1, lt=2**53)]


class Topic(BaseModel):
    """A topic and how many suggestions stand under it."""

    topic: str
    count: int


class ProposedTopic(BaseModel):
    """Suggestions that may be filed under one topic, by their ids. A person decides."""

    topic: str
    suggestions: list[int]


class Topics(BaseModel):
    """The topics of an activity, the fullest first, and proposals for what is under none."""

    topics: list[Topic]
    proposals: list[ProposedTopic]


class Filing(BaseModel):
    """Suggestions to be filed under a topic; an empty one takes them out."""

    model_config = ConfigDict(extra="forbid")
    suggestions: list[Id] = Field(min_length=1, max_length=2000)
    topic: Words = Field(max_length=LONGEST)


class Filed(BaseModel):
    """How many were not under that topic before."""

    filed: int


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/topics",
    right=Right.HOST,
    summary="Topics of the suggestions, and proposals by the words that they share",
    answer=Topics,
)
async def list_topics(call: Call[None]) -> Topics:
    async with call.services.database.read() as session:
        known = await topics_of(session, call.target.id)
        texts = await unfiled(session, call.target.id)
    found = await asyncio.to_thread(proposals, texts, known)
    return Topics(
        topics=[Topic(topic=topic, count=count) for topic, count in known.items()],
        proposals=[ProposedTopic(topic=item.topic, suggestions=list(item.numbers)) for item in found],
    )


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/topics",
    right=Right.DECIDE,
    summary="File suggestions under a topic",
    body=Filing,
    answer=Filed,
)
async def file_suggestions(call: Call[Filing]) -> Filed:
    wanted = call.body
    async with call.services.database.write() as session:
        count = await file_under(
            session, call.staff, call.target.id, wanted.suggestions, wanted.topic, call.services.now()
        )
    return Filed(filed=count)
