"""The command line as an operator and a clerk use it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.service import ServiceProcess


def run(tmp_path: Path, *arguments: str, data: bytes = b"", **environment: str) -> "subprocess.CompletedProcess[bytes]":
    service = ServiceProcess(tmp_path, **environment)
    return service.run(*arguments, data=data)


def test_score_writes_one_object_a_line_in_order(tmp_path: Path) -> None:
    lines = ["服务很好，非常满意", "", "👍", "态度太差了，等了两个小时", "周末上班吗？", "\x00\x01"]
    done = run(tmp_path, "score", data="\n".join(lines).encode() + b"\n\xff\xfe\n")
    assert done.returncode == 0, done.stderr.decode()
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(answers) == len(lines) + 1
    assert answers[0]["label"] == "positive"
    assert answers[0]["score"] > 0.8
    assert [answer["score"] for answer in (answers[1], answers[2], answers[5], answers[6])] == [None] * 4
    assert answers[4]["kind"] == "question"
    assert {answer["engine"] for answer in answers} == {"numba"}


@pytest.mark.parametrize(
    ("day", "form", "notice", "materials"),
    [
        ("2023-09-27", "online", "2023-09-22", "2023-10-10"),
        ("2023-10-10", "online", "2023-10-07", "2023-10-17"),
        ("2023-10-10", "in-person", "2023-09-27", "2023-10-17"),
        ("2023-10-13", "hybrid", "2023-10-08", "2023-10-20"),
    ],
)
def test_deadlines(tmp_path: Path, day: str, form: str, notice: str, materials: str) -> None:
    done = run(tmp_path, "deadlines", day, "--form", form)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert notice in text
    assert materials in text


def test_a_year_without_holidays_is_said_not_guessed(tmp_path: Path) -> None:
    done = run(tmp_path, "deadlines", "2031-05-08", "--form", "online")
    assert done.returncode == 1
    assert "2031" in done.stdout.decode()


def test_accounts_from_the_command_line(tmp_path: Path) -> None:
    password = run(tmp_path, "user", "add", "clerk", "--role", "staff", "--unit", "caiyu").stdout.decode().strip()
    assert len(password) == 16
    again = run(tmp_path, "user", "add", "clerk", "--role", "staff", "--unit", "caiyu")
    assert again.returncode == 1
    assert again.stderr.decode().startswith("minsheng: ")
    assert run(tmp_path, "user", "password", "clerk").stdout.decode().strip() != password
    assert "clerk\tstaff\tcaiyu\tactive" in run(tmp_path, "user", "list").stdout.decode()


def test_the_publish_token_is_stable_and_its_own_for_each_activity(tmp_path: Path) -> None:
    first = run(tmp_path, "publish-token", "k01").stdout
    assert first == run(tmp_path, "publish-token", "k01").stdout
    assert first != run(tmp_path, "publish-token", "k02").stdout
    assert run(tmp_path, "publish-token", "nowhere").returncode == 1


def test_a_mistake_in_the_settings_is_one_clear_line(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", MINSHENG_HTTP_PROT="1")
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "MINSHENG_HTTP_PROT" in done.stderr.decode()


def test_migrate_says_the_revision(tmp_path: Path) -> None:
    assert b"revision" in run(tmp_path, "migrate").stdout


def test_a_plan_is_read_compared_and_imported_only_when_confirmed(tmp_path: Path) -> None:
    from importlib.resources import files

    text = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8")
    plan = tmp_path / "plan.txt"
    plan.write_text(text.replace("（主责单位：教委）", "（主责单位：大数据局）"))
    for flags, words in (
        ([], "没有改变任何内容"),
        (["--confirm"], "已导入1项改变"),
        (["--confirm"], "没有需要导入的改变"),
    ):
        done = run(tmp_path / "data", "import-plan", str(plan), *flags)
        assert done.returncode == 0, done.stderr.decode()
        assert words in done.stdout.decode()
        assert "读到22项活动、19个主责单位" in done.stdout.decode()

    plan.write_bytes(b"%PDF-1.7\x00")
    done = run(tmp_path / "data", "import-plan", str(plan))
    assert done.returncode == 1
    assert "纯文本" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    plan.write_text("本方案没有活动")
    done = run(tmp_path / "data", "import-plan", str(plan), "--confirm")
    assert (done.returncode, "没有读到举办期间" in done.stderr.decode()) == (1, True)
