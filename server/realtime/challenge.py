"""Proof of work (ALTCHA) for those who look like a flood: a phone does a moment's work; nobody is shown a puzzle.

Nothing is kept of a challenge that is out: its salt names the device and the end, its signature is an HMAC of this
service. The fields are those of ALTCHA, version 1.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from altcha.v1 import ChallengeOptions, Payload, create_challenge, extract_params, verify_solution
from pydantic import BaseModel, ConfigDict, Field

from server.errors import BadRequest, ServiceError

HARDEST = 100_000
"""SHA-256 hashes at most for one challenge, half of them on average."""
ANSWER_WITHIN = timedelta(minutes=5)
PASS_LASTS = timedelta(minutes=10)
SUSPICION_LASTS = timedelta(minutes=10)
CROWD = 50
"""So many devices of one address that go on above their own pace within `SUSPICION_WITHIN` may be a flood."""
VOTERS = 200
"""So many that vote may be one who invents them. A hall votes, too, and speaks too fast less often."""
SUSPICION_WITHIN = timedelta(minutes=1)
CAPACITY = 100_000


class Solution(BaseModel):
    """What a client found, after ALTCHA's payload."""

    model_config = ConfigDict(strict=True, frozen=True)
    algorithm: Literal["SHA-256"]
    challenge: str = Field(min_length=64, max_length=64)
    number: int = Field(ge=0, le=HARDEST)
    salt: str = Field(max_length=256)
    signature: str = Field(min_length=64, max_length=64)


class ChallengeRequired(ServiceError):
    """The device has to solve a challenge first; what it sent is not stored and may be sent again after that."""

    status, code = 403, "challenge"

    def __init__(self, challenge: dict[str, Any]) -> None:
        super().__init__("留言太集中，正在验证您的设备，请稍候。")
        self.challenge = challenge

    def as_dict(self) -> dict[str, Any]:
        """The error object, with the challenge in it."""
        return {**super().as_dict(), "challenge": self.challenge}


class Challenges:
    """Who has to prove work, and who has. In bounded memory: whoever is forgotten is asked again."""

    def __init__(self, key: bytes, *, now: Callable[[], datetime]) -> None:
        self._key = hmac.digest(key, b"altcha", "sha256")
        self._now = now
        self._passes: OrderedDict[str, datetime] = OrderedDict()
        self._crowds: OrderedDict[str, tuple[datetime, set[str]]] = OrderedDict()
        self._suspects: OrderedDict[str, datetime] = OrderedDict()
        self.asked = 0
        """Messages answered with a challenge, since the start."""
        self.solved = 0

    def require(self, mode: str, device: str, address: str) -> None:
        """Raise ChallengeRequired where the activity's mode (`off`, `auto`, `on`) asks this device for work."""
        now = self._now()
        wanted = mode == "on" or (mode == "auto" and self._suspects.get(address, now) > now)
        if not wanted or self._passes.get(device, now) > now:
            return
        self.asked += 1
        made = create_challenge(
            ChallengeOptions(
                algorithm="SHA-256",
                max_number=HARDEST,
                hmac_key=self._key,
                expires=now + ANSWER_WITHIN,
                params={"device": device},
            )
        )
        raise ChallengeRequired({**made.to_dict(), "maxnumber": HARDEST})

    def one_of_a_crowd(self, device: str, address: str, most: int = CROWD) -> None:
        """A device of this address went on above its own pace, or voted: `most` of those make the address suspect."""
        now = self._now()
        since, crowd = self._crowds.pop(address, (now, set()))
        if now - since > SUSPICION_WITHIN:
            since, crowd = now, set()
        crowd.add(device)
        if len(crowd) >= most:
            _remember(self._suspects, address, now + SUSPICION_LASTS)
            return
        self._crowds[address] = (since, crowd)
        if len(self._crowds) > CAPACITY // VOTERS:
            self._crowds.popitem(last=False)

    def prove(self, device: str, solution: Solution) -> None:
        """Let the device speak for a while. Raises BadRequest (`bad_solution`) for what is wrong, foreign or late."""
        payload = Payload(**solution.model_dump())
        params = extract_params(payload.to_dict())
        try:
            in_time = int(params["expires"][0]) >= self._now().timestamp()
        except (KeyError, ValueError):
            in_time = False
        right, _ = verify_solution(payload, self._key, check_expires=False)
        if not (right and in_time and params.get("device") == [device]):
            raise BadRequest("验证没有通过，请再试一次。", code="bad_solution")
        self.solved += 1
        _remember(self._passes, device, self._now() + PASS_LASTS)


def _remember(memory: OrderedDict[str, datetime], name: str, until: datetime) -> None:
    memory.pop(name, None)
    memory[name] = until
    if len(memory) > CAPACITY:
        memory.popitem(last=False)
