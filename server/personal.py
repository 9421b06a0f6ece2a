"""Personal data at rest: sealed with a key of this service, and masked unless somebody with the right asks.

PIPL (个人信息保护法) 6, 19, 47: the least, for the shortest time, deleted on request.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import blake2b, sha256

from cryptography.fernet import Fernet

from feedback.text import mask_name


@dataclass(frozen=True, slots=True)
class Person:
    """Who registered: name, mobile number, and the organisation where one was given."""

    name: str
    phone: str
    organisation: str = ""

    @property
    def masked(self) -> "Person":
        """As staff sees it without asking for more: 朱**, 138****1234, 某**."""
        return Person(
            mask_name(self.name), mask_phone(self.phone), mask_name(self.organisation) if self.organisation else ""
        )


def mask_phone(phone: str) -> str:
    """The first three and the last four digits: 138****1234."""
    return f"{phone[:3]}****{phone[-4:]}"


class Seals:
    """Seals and opens personal data (Fernet: AES-128-CBC with HMAC-SHA256), and digests phones to tell them apart."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(urlsafe_b64encode(hmac.digest(key, b"personal data", sha256)))
        self._phones = hmac.digest(key, b"phone digests", sha256)

    def seal(self, person: Person) -> str:
        """The sealed text."""
        return self._fernet.encrypt(json.dumps(asdict(person), ensure_ascii=False).encode()).decode()

    def open(self, sealed: str) -> Person:
        """The person of a sealed text. Raises cryptography.fernet.InvalidToken where the key is another one."""
        return Person(**json.loads(self._fernet.decrypt(sealed.encode())))

    def digest(self, activity_id: int, phone: str) -> str:
        """What tells a phone from another within one activity, and from nothing elsewhere."""
        return blake2b(f"{activity_id}:{phone}".encode(), key=self._phones[:32], digest_size=16).hexdigest()
