"""What may become of a comment and of a question: states, acts, and the legal transitions between them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a citizen sent."""

    COMMENT = "comment"
    QUESTION = "question"

    @property
    def text(self) -> str:
        return {Kind.COMMENT: "评论", Kind.QUESTION: "提问"}[self]


class State(StrEnum):
    """Where an entry stands. Comments know SHOWN, PENDING, HIDDEN, MERGED and WITHDRAWN; questions all but SHOWN."""

    SHOWN = "shown"
    PENDING = "pending"
    OPEN = "open"
    ANSWERED = "answered"
    DECLINED = "declined"
    HIDDEN = "hidden"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"

    @property
    def text(self) -> str:
        return _STATE_TEXT[self]


class Act(StrEnum):
    """What a host does with an entry, and what its author may do (WITHDRAW)."""

    HIDE = "hide"
    RESTORE = "restore"
    APPROVE = "approve"
    DECLINE = "decline"
    ANSWER = "answer"
    REOPEN = "reopen"
    MERGE = "merge"
    SPLIT = "split"
    WITHDRAW = "withdraw"

    @property
    def text(self) -> str:
        return _ACT_TEXT[self]


class Reason(StrEnum):
    """Why an entry was hidden. The public tally counts by these codes and says nothing more."""

    SPAM = "spam"
    ABUSE = "abuse"
    PRIVACY = "privacy"
    UNLAWFUL = "unlawful"
    OFF_TOPIC = "off-topic"
    OTHER = "other"

    @property
    def text(self) -> str:
        return _REASON_TEXT[self]


class AnswerMode(StrEnum):
    """How a question was answered: by word of mouth during the broadcast, or in writing."""

    LIVE = "live"
    WRITTEN = "written"

    @property
    def text(self) -> str:
        return {AnswerMode.LIVE: "现场答复", AnswerMode.WRITTEN: "书面答复"}[self]


_STATE_TEXT = {
    State.SHOWN: "已展示",
    State.PENDING: "待审核",
    State.OPEN: "待答复",
    State.ANSWERED: "已答复",
    State.DECLINED: "未采用",
    State.HIDDEN: "已隐藏",
    State.MERGED: "已合并",
    State.WITHDRAWN: "已撤回",
}
_ACT_TEXT = {
    Act.HIDE: "隐藏",
    Act.RESTORE: "恢复",
    Act.APPROVE: "通过",
    Act.DECLINE: "不采用",
    Act.ANSWER: "答复",
    Act.REOPEN: "撤销处理",
    Act.MERGE: "合并",
    Act.SPLIT: "取消合并",
    Act.WITHDRAW: "撤回",
}
_REASON_TEXT = {
    Reason.SPAM: "广告刷屏",
    Reason.ABUSE: "辱骂攻击",
    Reason.PRIVACY: "泄露隐私",
    Reason.UNLAWFUL: "违法违规",
    Reason.OFF_TOPIC: "与活动无关",
    Reason.OTHER: "其他",
}

INITIAL: Mapping[Kind, State] = MappingProxyType({Kind.COMMENT: State.SHOWN, Kind.QUESTION: State.PENDING})
"""A comment that is to be seen by a host first begins as PENDING."""

PUBLIC: frozenset[State] = frozenset({State.SHOWN, State.OPEN, State.ANSWERED})
"""The states in which an entry's text may be read by everybody."""

ON_SCREEN: frozenset[State] = frozenset({State.OPEN, State.ANSWERED})
"""The states in which a question may be put on screen. One that leaves them leaves the screen."""

STATES: Mapping[Kind, frozenset[State]] = MappingProxyType(
    {
        Kind.COMMENT: frozenset({State.SHOWN, State.PENDING, State.HIDDEN, State.MERGED, State.WITHDRAWN}),
        Kind.QUESTION: frozenset(State) - {State.SHOWN},
    }
)

UNDECIDED: frozenset[State] = frozenset({State.PENDING, State.OPEN})
"""The states in which a host still has to do something: REOPEN leads back to one of them."""

# RESTORE, SPLIT and REOPEN are not listed: where they lead depends on what was before.
_TRANSITIONS: Mapping[tuple[Kind, State, Act], State] = MappingProxyType(
    {
        (Kind.COMMENT, State.PENDING, Act.APPROVE): State.SHOWN,
        (Kind.COMMENT, State.PENDING, Act.HIDE): State.HIDDEN,
        (Kind.COMMENT, State.PENDING, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.COMMENT, State.SHOWN, Act.HIDE): State.HIDDEN,
        (Kind.COMMENT, State.PENDING, Act.MERGE): State.MERGED,
        (Kind.COMMENT, State.SHOWN, Act.MERGE): State.MERGED,
        (Kind.COMMENT, State.MERGED, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.COMMENT, State.SHOWN, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.COMMENT, State.HIDDEN, Act.HIDE): State.HIDDEN,  # for another reason
        (Kind.COMMENT, State.HIDDEN, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.QUESTION, State.PENDING, Act.APPROVE): State.OPEN,
        (Kind.QUESTION, State.PENDING, Act.DECLINE): State.DECLINED,
        (Kind.QUESTION, State.PENDING, Act.ANSWER): State.ANSWERED,  # an answer approves as well
        (Kind.QUESTION, State.PENDING, Act.HIDE): State.HIDDEN,
        (Kind.QUESTION, State.PENDING, Act.MERGE): State.MERGED,
        (Kind.QUESTION, State.OPEN, Act.MERGE): State.MERGED,
        (Kind.QUESTION, State.MERGED, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.QUESTION, State.PENDING, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.QUESTION, State.OPEN, Act.DECLINE): State.DECLINED,
        (Kind.QUESTION, State.OPEN, Act.ANSWER): State.ANSWERED,
        (Kind.QUESTION, State.OPEN, Act.HIDE): State.HIDDEN,
        (Kind.QUESTION, State.OPEN, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.QUESTION, State.ANSWERED, Act.ANSWER): State.ANSWERED,  # a correction
        (Kind.QUESTION, State.ANSWERED, Act.HIDE): State.HIDDEN,
        (Kind.QUESTION, State.ANSWERED, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.QUESTION, State.DECLINED, Act.APPROVE): State.OPEN,  # the host thought better of it
        (Kind.QUESTION, State.DECLINED, Act.HIDE): State.HIDDEN,
        (Kind.QUESTION, State.DECLINED, Act.WITHDRAW): State.WITHDRAWN,
        (Kind.QUESTION, State.HIDDEN, Act.HIDE): State.HIDDEN,  # for another reason
        (Kind.QUESTION, State.HIDDEN, Act.WITHDRAW): State.WITHDRAWN,
    }
)

_BACK: Mapping[Act, State] = MappingProxyType({Act.RESTORE: State.HIDDEN, Act.SPLIT: State.MERGED})
_ASIDE: frozenset[State] = frozenset({State.HIDDEN, State.MERGED, State.WITHDRAWN})

_REOPENED: frozenset[tuple[Kind, State]] = frozenset(
    {
        (Kind.COMMENT, State.SHOWN),
        (Kind.QUESTION, State.OPEN),
        (Kind.QUESTION, State.ANSWERED),
        (Kind.QUESTION, State.DECLINED),
    }
)


_COUNTERPARTS: Mapping[tuple[Kind, State], State] = MappingProxyType(
    {
        (Kind.QUESTION, State.SHOWN): State.OPEN,
        (Kind.COMMENT, State.OPEN): State.SHOWN,
        (Kind.COMMENT, State.ANSWERED): State.SHOWN,
        (Kind.COMMENT, State.DECLINED): State.HIDDEN,
    }
)


def counterpart(kind: Kind, state: State) -> State:
    """The state of an entry of *kind* that takes the place of one, maybe of the other kind, that was in *state*."""
    return _COUNTERPARTS.get((kind, state), state)


class IllegalTransition(Exception):
    """An act that the entry's state does not allow. Nothing is changed; `text` can be shown to the host."""

    def __init__(self, kind: Kind, state: State, act: Act) -> None:
        super().__init__(f"{act} is not allowed for a {kind} that is {state}")
        self.kind = kind
        self.state = state
        self.act = act

    @property
    def text(self) -> str:
        return f"这条{self.kind.text}{self.state.text}，不能{self.act.text}"


def apply(kind: Kind, state: State, act: Act, previous: State | None = None) -> State:
    """The state after *act*.

    *previous* is a state to go back to: for RESTORE and SPLIT the one before hiding or merging, which the caller keeps
    meanwhile; for REOPEN the one that `before_step` gives.
    Raises IllegalTransition, also for a RESTORE, a SPLIT or a REOPEN without a state to go back to.
    """
    if act is Act.REOPEN:
        allowed = (kind, state) in _REOPENED and previous in UNDECIDED & STATES[kind] and previous is not state
        if previous is None or not allowed:
            raise IllegalTransition(kind, state, act)
        return previous
    if act in _BACK:
        restorable = previous is not None and previous in STATES[kind] and previous not in _ASIDE
        if state is not _BACK[act] or previous is None or not restorable:
            raise IllegalTransition(kind, state, act)
        return previous
    try:
        return _TRANSITIONS[kind, state, act]
    except KeyError:
        raise IllegalTransition(kind, state, act) from None


def before_step(kind: Kind, state: State, steps: Iterable[tuple[Act, State]]) -> State | None:
    """Where an entry stood before the last approval, answer or refusal; None where there was none.

    *steps* are the acts on it with the state that each found, newest first. An answer that corrects another is passed
    over, and so is a refusal that was overruled: an open question goes back to waiting. Where no step tells how a
    question was closed, it waits for a host again: PENDING is never public.
    """
    if kind is Kind.COMMENT:
        return State.PENDING if state is State.SHOWN and any(act is Act.APPROVE for act, _ in steps) else None
    if state is State.OPEN:
        return State.PENDING
    closing = (Act.ANSWER, Act.DECLINE)
    return next((found for act, found in steps if act in closing and found in UNDECIDED), State.PENDING)


def legal_acts(kind: Kind, state: State) -> frozenset[Act]:
    """The acts that a console may offer for an entry in *state*."""
    acts = {act for known, before, act in _TRANSITIONS if known is kind and before is state}
    acts |= {act for act, aside in _BACK.items() if state is aside}
    if (kind, state) in _REOPENED:
        acts.add(Act.REOPEN)
    return frozenset(acts)
