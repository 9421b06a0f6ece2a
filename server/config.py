"""Configuration: one frozen object, made once at the start from the environment and the flags."""

import re
import secrets
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

PREFIX = "MINSHENG_"


class ConfigurationError(Exception):
    """A setting that cannot be used; the text is one line that names it and says why."""


def _database_url(value: str) -> str:
    if value and not value.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
        raise ValueError("should begin with sqlite+aiosqlite:// or postgresql+asyncpg://")
    return value


def _redis_url(value: str) -> str:
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("should begin with redis://, rediss:// or unix://")
    return value


def _smtp_url(value: str) -> str:
    if value and not (value.startswith(("smtp://", "smtps://")) and urlsplit(value).hostname):
        raise ValueError("should be smtp://user:password@host:587 or smtps://user:password@host:465")
    return value


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if not re.fullmatch(r"https?://(?:\*\.)?[A-Za-z0-9.-]+(?::[0-9]{1,5})?", origin):
            raise ValueError(f"{origin} should be an origin such as https://www.example.gov.cn")
    return value


def _public_url(value: str) -> str:
    if value and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
        raise ValueError("should begin with http:// or https://")
    return value.rstrip("/")


def _sms_url(value: str) -> str:
    if value and value != "console:" and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
        raise ValueError("should be console:, or begin with http:// or https://")
    return value


_ICE_SERVER = re.compile(r"(stuns?|turns?):[A-Za-z0-9.:\[\]-]+(\?transport=(udp|tcp))?")


def _ice_servers(value: tuple[str, ...]) -> tuple[str, ...]:
    for url in value:
        if _ICE_SERVER.fullmatch(url) is None:
            raise ValueError("should be stun:host:port or turn:host:port?transport=udp, comma-separated")
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for network in value:
        ip_network(network, strict=False)
    return value


_SECRET = {"admin_password", "secret_key", "smtp_url", "sms_url", "sms_secret", "turn_secret"}
"""Settings whose value no error message repeats."""


class Settings(BaseModel):
    """Every setting of the service. `docs/configuration.md` lists them; a test keeps the two together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(
        Path("data"), description="Folder of the database, the recordings, the uploaded files and the secret key."
    )
    http_host: str = Field("127.0.0.1", min_length=1, description="Address that HTTP and Socket.IO listen on.")
    http_port: int = Field(8080, ge=0, le=65535, description="TCP port of HTTP and Socket.IO.")
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "", description="SQLAlchemy URL; empty means SQLite in the data folder."
    )
    redis_url: Annotated[str, AfterValidator(_redis_url)] = Field(
        "", description="Redis for several service processes; empty means in-process."
    )
    media_port: int = Field(8189, ge=0, le=65535, description="The one port of the media relay, UDP and TCP.")
    relays: int = Field(
        1, ge=1, le=16, description="Relay processes, on as many consecutive media ports: one for each core to use."
    )
    public_address: tuple[str, ...] = Field((), description="Addresses to advertise for media, comma-separated.")
    admin_password: str = Field("", description="Password of `admin` at the first start; empty means generate one.")
    secret_key: str = Field(
        "", description="Key that signs tokens; empty means make one and keep it in the data folder."
    )
    embed_origins: Annotated[tuple[str, ...], AfterValidator(_origins)] = Field(
        (), description="Sites that may show the outcomes page in a frame, comma-separated."
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "", description="Address at which people open the pages, for links in e-mail; empty means host and port."
    )
    smtp_url: Annotated[str, AfterValidator(_smtp_url)] = Field(
        "", description="Mail server for reminders; empty means that no mail is sent."
    )
    mail_from: EmailStr = Field("minsheng@localhost.localdomain", description="Sender of the service's mail.")
    recording_gigabytes: float = Field(
        50.0,
        ge=0,
        description="Room for recordings, in 10⁹ bytes; what would not fit is not kept. 0 = none.",
    )
    film_gigabytes: float = Field(
        8.0, ge=0, description="Largest film that a unit may upload, in 10⁹ bytes. 0 = none may be uploaded."
    )
    sms_url: Annotated[str, AfterValidator(_sms_url)] = Field(
        "", description="Hook that takes text messages with codes; `console:` prints them; empty means none."
    )
    sms_secret: str = Field("", description="Secret shared with that hook: every request is signed with it.")
    trusted_proxies: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        (), description="Addresses or networks of reverse proxies whose forwarded headers count, comma-separated."
    )

    sentiment_model: str = Field(
        "ms2",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$",
        description="Model that labels comments: ms2, or one made by `minsheng sentiment train`.",
    )
    turn_urls: Annotated[tuple[str, ...], AfterValidator(_ice_servers)] = Field(
        (), description="STUN and TURN servers that browsers and encoders are told of, comma-separated."
    )
    turn_secret: str = Field("", description="Secret shared with the TURN server, for credentials that end.")

    @field_validator("public_address", "embed_origins", "trusted_proxies", "turn_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _turn_needs_its_secret(self) -> Self:
        if not self.turn_secret and any(url.startswith("turn") for url in self.turn_urls):
            raise ValueError("a TURN server needs MINSHENG_TURN_SECRET, the secret that it shares with the service")
        return self

    @model_validator(mode="after")
    def _sms_needs_its_secret(self) -> Self:
        if self.sms_url.startswith("http") and not self.sms_secret:
            raise ValueError("a gateway for text messages needs MINSHENG_SMS_SECRET, which it shares with the service")
        return self

    @classmethod
    def load(cls, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> "Settings":
        """Read ``MINSHENG_*`` from `environ`; `flags` of the same names win where they are not None.

        Raises ConfigurationError for an unknown name or a bad value.
        """
        values: dict[str, Any] = {}
        for name, value in environ.items():
            if not name.startswith(PREFIX):
                continue
            field = name.removeprefix(PREFIX).lower()
            if field not in cls.model_fields:
                raise ConfigurationError(f"{name} is not a setting; see docs/configuration.md")
            values[field] = value
        values.update({name: value for name, value in (flags or {}).items() if value is not None})
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            if not first["loc"]:
                raise ConfigurationError(first["msg"]) from None
            field = str(first["loc"][0])
            shown = "…" if field in _SECRET else repr(first["input"])
            raise ConfigurationError(f"{PREFIX}{field.upper()} = {shown}: {first['msg']}") from None

    @property
    def site_url(self) -> str:
        """The address of the pages, without a slash at its end."""
        return self.public_url or f"http://{self.http_host}:{self.http_port}"

    @property
    def local_url(self) -> str:
        """Where the pages are, for people and processes on this machine."""
        host = self.http_host if self.http_host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.http_port}"

    @property
    def sqlalchemy_url(self) -> str:
        """The database URL with its default filled in."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'minsheng.db'}"

    def signing_key(self) -> bytes:
        """The key that signs tokens; made and kept in the data folder (mode 0600) where none is configured."""
        if self.secret_key:
            return self.secret_key.encode()
        path = self.data_dir / "secret.key"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48))
            try:
                # A hard link fails where another process was first: both then read the same key.
                path.hardlink_to(draft)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip().encode()
