"""The commands of hosts: what arrives over HTTP and the socket, checked here, once."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from feedback.scorer import Label as Sentiment
from feedback.states import Reason

LONGEST_ANSWER = 4000
LONGEST_MUTE = 30 * 24 * 60
"""Minutes: thirty days."""
LONGEST_LABEL = 12
LONGEST_NOTE = 500


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    revision: int | None = Field(None, ge=0, lt=2**31)
    """The revision of the entry that the host saw; where another host was quicker, nothing is done."""


class Hide(_Command):
    """隐藏: the public no longer sees it; the reason is a code, its tally is public. Once more: for another reason."""

    act: Literal["hide"]
    reason: Reason


class Restore(_Command):
    """恢复: back to what it was before it was hidden."""

    act: Literal["restore"]


class Approve(_Command):
    """通过: the comment or question is shown."""

    act: Literal["approve"]


class Decline(_Command):
    """不予受理, with a reason that its author reads."""

    act: Literal["decline"]
    reason: str = Field(min_length=1, max_length=500)


class Answer(_Command):
    """现场已答, or 书面答复 with its text."""

    act: Literal["answer"]
    mode: Literal["live", "written"]
    text: str = Field("", max_length=LONGEST_ANSWER)


class Reopen(_Command):
    """撤销 the last approval, answer or refusal; the answer or the reason goes with it."""

    act: Literal["reopen"]


class Merge(_Command):
    """合并: it asks the same as another entry of the activity, which stands for both from now on."""

    act: Literal["merge"]
    into: int = Field(ge=1, lt=2**53)


class Split(_Command):
    """取消合并: it stands for itself again."""

    act: Literal["split"]


class Screen(_Command):
    """上屏: at most one question of an activity is on screen."""

    act: Literal["screen"]
    on: bool


class Suggest(_Command):
    """列为意见建议, or take it off that list again while it is undecided."""

    act: Literal["suggest"]
    on: bool


class Mute(_Command):
    """禁言: the device that sent this entry may not speak in its activity for a while; the reason is told to it.

    With `network`, nobody may who comes from the same address range (/24, or /48 of IPv6). With `sweep`, what that
    device said so far and nobody answered is hidden for the same reason.
    """

    act: Literal["ban"]
    minutes: int = Field(ge=1, le=LONGEST_MUTE)
    reason: Reason
    network: bool = False
    sweep: bool = False


class Unmute(_Command):
    """解除禁言 of the device that sent this entry."""

    act: Literal["unban"]


class Label(_Command):
    """标签: a short word by which hosts sort; the public never sees it."""

    act: Literal["label"]
    label: str = Field(min_length=1, max_length=LONGEST_LABEL)
    on: bool = True


class Note(_Command):
    """内部备注 between hosts; the public never sees it. With `remove`, that note is taken away instead."""

    act: Literal["note"]
    text: str = Field("", max_length=LONGEST_NOTE)
    remove: int | None = Field(None, ge=1, lt=2**31)


class Lift(_Command):
    """提前: the question stands before those ordered by votes; above another lifted one, or after all of them."""

    act: Literal["lift"]
    above: int | None = Field(None, ge=1, lt=2**53)


class Lower(_Command):
    """取消提前: votes and age say again where the question stands."""

    act: Literal["lower"]


class Correct(_Command):
    """更正情感: how it sounds, as a host heard it; null takes that back, and the model's label holds again."""

    act: Literal["correct"]
    sentiment: Literal[Sentiment.POSITIVE, Sentiment.NEGATIVE, Sentiment.UNCERTAIN] | None


Command = Annotated[
    Hide
    | Restore
    | Approve
    | Decline
    | Answer
    | Reopen
    | Merge
    | Split
    | Screen
    | Suggest
    | Mute
    | Unmute
    | Label
    | Note
    | Lift
    | Lower
    | Correct,
    Field(discriminator="act"),
]
COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)
ACTS = (
    "hide",
    "restore",
    "approve",
    "decline",
    "answer",
    "reopen",
    "merge",
    "split",
    "screen",
    "suggest",
    "ban",
    "unban",
    "label",
    "note",
    "lift",
    "lower",
    "correct",
)


def parse_command(payload: dict[str, Any]) -> Command:
    """Check a command from outside. Raises pydantic.ValidationError."""
    return COMMANDS.validate_python(payload)
