"""The files of `docker/` name settings, ports and paths that the service has: checked without a Docker engine."""

import re
from pathlib import Path

import pytest

from server.config import Settings

DOCKER = Path(__file__).parents[2] / "docker"
FILES = sorted(path for path in DOCKER.iterdir() if path.is_file())


def text(name: str) -> str:
    return (DOCKER / name).read_text("utf-8")


def test_every_setting_named_is_one() -> None:
    named = {name for path in FILES for name in re.findall(r"\bMINSHENG_([A-Z_]+)\b", path.read_text("utf-8"))}
    assert len(named) >= 8
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_the_settings_of_the_image_are_accepted() -> None:
    environment = dict(re.findall(r"\b(MINSHENG_[A-Z_]+)=(\S+)", text("Dockerfile")))
    settings = Settings.load(environment)
    assert settings.data_dir == Path("/data")
    (exposed,) = re.findall(r"^EXPOSE (.+)$", text("Dockerfile"), re.MULTILINE)
    assert exposed == f"{settings.http_port}/tcp {settings.media_port}/udp {settings.media_port}/tcp"


def test_the_settings_of_compose_are_accepted() -> None:
    """With the example's values in place of `${NAME}`; an empty one is as good as none."""
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", text("env.example"), re.MULTILINE))
    compose = text("compose.yaml")
    assert set(re.findall(r"\$\{([A-Z_]+)", compose)) == example.keys(), "the example lists what compose asks for"
    filled = re.sub(r"\$\{([A-Z_]+)[^}]*\}", lambda found: example[found[1]], compose)
    settings = Settings.load(dict(re.findall(r"^ +(MINSHENG_[A-Z_]+): ?(.*)$", filled, re.MULTILINE)))
    assert settings.database_url == "postgresql+asyncpg://minsheng:@postgres:5432/minsheng"
    assert settings.public_address == ("203.0.113.10",)
    assert settings.trusted_proxies == (re.findall(r"subnet: (\S+)", compose)[0],)
    assert settings.admin_password == ""
    assert f'"{settings.media_port}:{settings.media_port}/udp"' in compose


def test_the_build_context_holds_what_the_build_needs_and_no_more() -> None:
    kept = {line.removeprefix("!") for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    project = (DOCKER.parent / "pyproject.toml").read_text("utf-8")
    packages = re.findall(r"^packages = \[(.*)\]$", project, re.MULTILINE)[0]
    assert kept == {
        *re.findall(r'"(\w+)"', packages),
        "web",
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "LICENSE",
    }


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_the_fronts_close_the_metrics_and_limit_bodies_alike(name: str) -> None:
    front = text(name)
    assert re.search(r"/metrics( \{\s+return)? 404", front)
    assert re.search(r"(client_max_body_size|max_size) 64(m;|MB)", front)


def test_the_readme_lists_every_file() -> None:
    readme = text("README.md")
    assert [
        path.name for path in FILES if path.name not in ("README.md", ".env") and f"`{path.name}`" not in readme
    ] == []


def test_nothing_secret_is_kept() -> None:
    assert re.findall(r"PASSWORD=(.+)", text("env.example")) == []
