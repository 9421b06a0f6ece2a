"""The operator's settings: one clear line for a mistake, and each of them documented."""

import re
import stat
from pathlib import Path

import pytest

from server.config import PREFIX, ConfigurationError, Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_everything_has_a_default() -> None:
    settings = Settings.load({})
    assert (settings.http_host, settings.http_port, settings.media_port) == ("127.0.0.1", 8080, 8189)
    assert settings.sqlalchemy_url.startswith("sqlite+aiosqlite:///")


def test_a_flag_wins_over_the_environment() -> None:
    assert Settings.load({"MINSHENG_HTTP_PORT": "9000"}, {"http_port": "9001", "http_host": None}).http_port == 9001


def test_lists_are_separated_by_commas() -> None:
    settings = Settings.load({"MINSHENG_PUBLIC_ADDRESS": "198.51.100.7, 2001:db8::7"})
    assert settings.public_address == ("198.51.100.7", "2001:db8::7")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MINSHENG_HTTP_PROT", "8080"),
        ("MINSHENG_HTTP_PORT", "eighty"),
        ("MINSHENG_MEDIA_PORT", "70000"),
        ("MINSHENG_DATABASE_URL", "mysql://somewhere"),
        ("MINSHENG_REDIS_URL", "http://somewhere"),
        ("MINSHENG_TRUSTED_PROXIES", "10.0.0.0/99"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.load({name: value})
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_is_not_repeated_in_an_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.load({}, {"secret_key": ["not", "text"]})
    assert "not" not in str(caught.value).split("=")[1].split(":")[0]


def test_the_secret_key_is_made_once_and_kept(tmp_path: Path) -> None:
    settings = Settings.load({"MINSHENG_DATA_DIR": str(tmp_path)})
    key = settings.signing_key()
    assert len(key) >= 48
    assert settings.signing_key() == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(rf"`({PREFIX}\w+)`", DOCUMENT.read_text()))
    assert documented == {PREFIX + name.upper() for name in Settings.model_fields}
