"""Pushing on to an RTMP server, Debian's nginx with its module: found late, lost and found again."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from server.errors import BadRequest
from server.restreams import Sealer, without_key
from tests.hls.test_recording import Desk, ffprobe, pictures
from tests.service import ServiceProcess, Staff, free_port

__all__ = ["pictures"]

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
KEY = "stream-key-that-nobody-sees"


def test_an_address_is_shown_without_its_key() -> None:
    assert without_key(f"rtmps://live.example.cn/app/{KEY}?token=1") == "rtmps://live.example.cn/app/••••"
    for bad in (
        "http://a/b/c",
        "rtmp://",
        "rtmp://host/app",
        "rtmp://user:word@host/a/b",
        "rtmp://h:x/a/b",
        "rtmp://h/a/b c",
    ):
        with pytest.raises(BadRequest):
            without_key(bad)


def test_a_sealed_address_opens_with_the_same_key_alone() -> None:
    sealed = Sealer(b"one").seal(f"rtmp://host/app/{KEY}")
    assert KEY not in sealed
    assert Sealer(b"one").open(sealed) == f"rtmp://host/app/{KEY}"
    assert Sealer(b"two").open(sealed) is None


async def test_a_key_goes_in_and_never_comes_out(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity("转推的开放日")
    path = f"/api/v1/activities/{slug}/restreams"
    status, problem = await admin.call("POST", path, {"name": "视频号", "url": "http://example.cn/live/key"})
    assert (status, problem["error"]["code"]) == (400, "bad_address")
    added = await admin.done("POST", path, {"name": "视频号", "url": f"rtmp://127.0.0.1:9/live/{KEY}"})
    listed = await admin.done("GET", path)
    assert listed == added
    assert KEY not in json.dumps(listed)
    first = listed["restreams"][0]
    assert (first["address"], first["state"]) == ("rtmp://127.0.0.1:9/live/••••", "off")
    for number in range(4):
        await admin.done("POST", path, {"name": str(number), "url": f"rtmp://127.0.0.1:9/live/{KEY}"})
    status, problem = await admin.call("POST", path, {"name": "六", "url": f"rtmp://127.0.0.1:9/live/{KEY}"})
    assert (status, problem["error"]["code"]) == (409, "too_many")
    for file in service.data_dir.glob("minsheng.db*"):
        assert KEY.encode() not in file.read_bytes()
    assert (await admin.call("DELETE", f"{path}/{first['id']}"))[0] == 204
    assert len((await admin.done("GET", path))["restreams"]) == 4
    assert (await admin.call("DELETE", f"{path}/{first['id']}"))[0] == 404


@contextmanager
def rtmp_server(folder: Path, port: int) -> Iterator[None]:
    """Debian's nginx, which records what it gets."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if (nginx is None or not MODULE.exists()) and os.environ.get("MINSHENG_TEST_BROWSER") != "required":
        pytest.skip("nginx with its RTMP module is not installed")
    assert nginx is not None
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)  # its workers are somebody else where root starts it
    (folder / "nginx.conf").write_text(
        f"load_module {MODULE};\nworker_processes 1;\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/log;\n"
        f"{'user root;' if os.geteuid() == 0 else ''}\nevents {{}}\nrtmp {{ server {{ listen 127.0.0.1:{port};\n"
        f"application live {{ live on; record all; record_unique on; record_path {folder}; }} }} }}\n"
    )
    process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def until(said: "Queue[dict[str, Any]]", state: str, *, error: bool = False) -> dict[str, Any]:
    """The next message of that state."""
    while True:
        message = said.get(timeout=20)
        if message["state"] == state and (message["error"] is not None) == error:
            return message


def test_it_finds_a_server_that_was_away(tmp_path: Path, pictures: list[tuple[float, bytes]]) -> None:
    hls, server, port = tmp_path / "hls", tmp_path / "nginx", free_port(socket.SOCK_STREAM)
    ending = threading.Event()

    def broadcast() -> None:
        desk, began, round_ = Desk(hls, keep=0), time.monotonic(), 0
        while not ending.is_set():
            desk.packager.feed(0, 0, 0, False, b'["video"]')
            for place in range(len(pictures)):
                desk.send(pictures[place], at=6.04 * round_ + place / 25, clock=0)
                if ending.wait(max(0.0, began + 6.04 * round_ + place / 25 - time.monotonic())):
                    break
            round_ += 1
        desk.packager.close()

    sending = threading.Thread(target=broadcast)
    sending.start()
    process = subprocess.Popen(
        [sys.executable, "-m", "streaming.restream", str(hls)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    said: Queue[dict[str, Any]] = Queue()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            assert KEY.encode() not in line
            said.put(json.loads(line))

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        process.stdin.write(json.dumps({"url": f"rtmp://127.0.0.1:{port}/live/{KEY}"}).encode() + b"\n")
        process.stdin.flush()
        assert until(said, "retrying", error=True)["tries"] == 1
        with rtmp_server(server, port):
            assert until(said, "on-air")["tries"] >= 2
            until(said, "on-air")
            until(said, "on-air")
        until(said, "retrying", error=True)
        with rtmp_server(server, port):
            until(said, "on-air")
            until(said, "on-air")
    finally:
        process.stdin.close()
        ending.set()
        assert process.wait(15) == 0
        sending.join()
        listening.join()
        process.stdout.close()  # type: ignore[union-attr]
    files = sorted(server.glob("*.flv"), key=lambda path: path.stat().st_mtime)
    assert len(files) >= 2
    probed = ffprobe(files[0], "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets")
    assert probed["streams"][0]["codec_name"] == "h264"
    assert int(probed["streams"][0]["nb_read_packets"]) >= 25
