"""How fast one may speak: limits of a device, an address and an activity, slow mode, proof of work in a flood."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from server.activities import Known
from server.errors import RateLimited
from server.realtime.challenge import (
    CROWD,
    PASS_LASTS,
    SUSPICION_LASTS,
    SUSPICION_WITHIN,
    VOTERS,
    ChallengeRequired,
    Challenges,
    Solution,
)
from server.realtime.limits import (
    ACTIVITY_SPEECH,
    ADDRESS_SPEECH,
    DEVICE_SPEECH,
    DEVICE_VOTES,
    Rate,
    SlowMode,
    slow_down,
)
from server.realtime.shared import Limit, SharedMemory

_PASS, _SUSPECT, _CROWD, _SLOW = "pass", "suspect", "crowd", "slow"


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that was taken in slow mode, and what was noted before."""

    name: str
    before: float | None


class Pace:
    """The limits of the audience, shared by all processes of the service where there is Redis."""

    def __init__(self, key: bytes, memory: SharedMemory, *, now: Callable[[], datetime]) -> None:
        self._memory = memory
        self.challenges = Challenges(key, now=now)
        self.slow_mode = SlowMode()
        self.activity_speech = Limit("activity", ACTIVITY_SPEECH, memory)
        self.device_speech = Limit("device", DEVICE_SPEECH, memory)
        self.device_votes = Limit("votes", DEVICE_VOTES, memory)
        self.address_speech = Limit("address", ADDRESS_SPEECH, memory)

    async def admit(self, activity: Known, device: str, address: str) -> None:
        """Let a device say something. Raises ChallengeRequired, RateLimited."""
        await self._require_proof(activity.challenge, device, address)
        try:
            await self.device_speech.take(device)
        except RateLimited:
            await self._note_crowd(device, address)
            raise
        await self.address_speech.take(address)
        await self.activity_speech.take(activity.slug)

    async def vote(self, activity: Known, device: str, address: str) -> None:
        """Let a device vote. Raises ChallengeRequired, RateLimited.

        Anybody may call himself a thousand devices, and so may a hall behind one address, by right: where a crowd of an
        address votes within a minute, each of its devices proves work.
        """
        voters = f"voters of {address}"
        await self._require_proof(activity.challenge, device, voters)
        await self.device_votes.take(device)
        await self.address_speech.take(address)
        await self._note_crowd(device, voters, VOTERS)

    async def _note_crowd(self, device: str, address: str, most: int = CROWD) -> None:
        self.challenges.one_of_a_crowd(device, address, most)
        crowd = await self._memory.gather(_CROWD, address, device, SUSPICION_WITHIN.total_seconds())
        if crowd is not None and crowd >= most:
            await self._memory.note(_SUSPECT, address, "1", SUSPICION_LASTS.total_seconds())

    async def _require_proof(self, mode: str, device: str, address: str) -> None:
        if mode == "auto" and await self._memory.noted(_SUSPECT, address):
            mode = "on"
        try:
            self.challenges.require(mode, device, address)
        except ChallengeRequired:
            if not await self._memory.noted(_PASS, device):
                raise
            self.challenges.asked -= 1

    async def prove(self, device: str, address: str, solution: Solution) -> None:
        """Let the device speak for a while. Raises BadRequest (`bad_solution`), RateLimited."""
        await self.address_speech.take(address)
        self.challenges.prove(device, solution)
        await self._memory.note(_PASS, device, "1", PASS_LASTS.total_seconds())

    async def slow(self, activity: Known, device: str) -> Turn:
        """Take the device's turn in slow mode. Raises RateLimited (`slow_mode`) with the seconds until the next one."""
        name, seconds = f"{activity.id}:{device}", activity.slow_seconds
        turn = Turn(name, self.slow_mode.take(name, seconds))
        if seconds > 0:
            wait = await self._memory.take(_SLOW, name, Rate(burst=1, per_second=1 / seconds))
            if wait:
                self.slow_mode.give_back(name, turn.before)
                self.slow_mode.refused += 1
                raise slow_down(wait)
        return turn

    async def give_back(self, turn: Turn) -> None:
        """Nothing was said: the same may be sent again at once."""
        self.slow_mode.give_back(turn.name, turn.before)
        await self._memory.forget(_SLOW, turn.name)
