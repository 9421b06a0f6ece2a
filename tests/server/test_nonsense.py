"""What nobody sends by mistake, at everything that is public: refused with words, never an error of ours.

On PostgreSQL, which takes neither a NUL in a text nor a number beyond its columns, as SQLite does.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import yarl

from server import app
from server.auth.rights import Right
from server.http.endpoint import ENDPOINTS, Endpoint
from tests.server.conftest import fresh_postgres
from tests.server.test_door import metric
from tests.service import ServiceProcess, Staff

assert app  # it declares every endpoint

SLUG = "k03"
WORDS = [
    "\0",
    "k03\0",
    "\ud800",
    "\udfff\ud800",
    "𠀀" * 50,
    "a" * 100_000,
    "' OR 1=1 --",
    "%00",
    "../../etc/passwd",
    "{{7*7}}",
    "\u202e\u200d\ufeff\uffff",
    "٣",
    "1e9",
    "-1",
    "NaN",
    "",
]
NUMBERS = [-1, 0, 2**31, 2**63 - 1, 2**63, 2**100, -(2**70), 0.5, 1e308]
OTHERS: list[Any] = [None, True, [], {}, [[[[[]]]]], {"$ne": None}]
RAW = [
    b"",
    b"\0",
    b"\xff\xfe\xfd",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a":1e999}',
    b'{"a":NaN}',
    b'{"a":' + b"9" * 100_000 + b"}",
    b'"\\ud800"',
    b"null",
    b"{",
    b'{"receipt":"\\ud800"}',
    b'{"receipt":"\\u0000"}',
]
LINES = [
    b"GET /api/v1/activities/k03 HTTP/9.9\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nCookie: \xff\xfe=\x01\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: y\r\n" % number for number in range(1_000)) + b"\r\n",
    b"POST /api/v1/receipts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v1/receipts HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/v1/receipts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx",
    b"POST /api/v1/receipts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"POST /api/v1/receipts HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://example.org/ HTTP/1.1\r\nHost: x\r\n\r\n",
]

HEADERS = [
    {"If-Modified-Since": "x" * 5_000},
    {"Range": "bytes=-99999999999999999999"},
    {"Range": "bytes=0-0,1-1" * 500},
    {"X-Forwarded-For": "x" * 5_000},
    {"X-Forwarded-For": ", ,"},
    {"X-Forwarded-For": "::1%eth0,[::1]:80"},
    {"X-Forwarded-For": "١.١.١.١"},
    {"Cookie": 'minsheng_session="\\"; =;;'},
    {"Authorization": "Bearer " + "x" * 5_000},
    {"Authorization": "Basic é"},
    {"Origin": "http://[::bad"},
    {"Expect": "200-nope"},
    {"Content-Type": "application/json; charset=utf-32"},
]
PLACES = [
    ("GET", "/"),
    ("GET", f"/api/v1/activities/{SLUG}"),
    ("POST", "/api/v1/session"),
    ("GET", "/notices.atom"),
    ("GET", "/assets/x"),
    ("GET", "/api/v1/desk"),
    ("POST", f"/whip/{SLUG}"),
    ("GET", "/socket.io/?EIO=4&transport=polling"),
]
ADDRESSES = [
    "/assets/%2e%2e/%2e%2e/app.py",
    "/assets/..%2f..%2fapp.py",
    "/a/%ff%fe",
    "/embed/%00",
    "/draw/%ed%a0%80",
    "/?%ff=%fe",
    "/%0aERROR%20forged",
    "/socket.io/?EIO=4&transport=polling&sid=%00",
    "/socket.io/?EIO=3&transport=x",
    "/socket.io/?EIO=4&transport=polling&j=abc",
]
GOOD = {"activity": SLUG, "kind": "lecture", "file": "1", "number": "1", "name": "a-init.mp4", "session": "A" * 20}
WELL_MEANT: dict[str, Any] = {
    "receipt": "ABC",
    "username": "x",
    "password": "y",
    "name": "小明",
    "phone": "13800138000",
    "category": "resident",
    "organisation": "",
    "guardian": "",
    "consent": True,
    "invitation": "",
    "act": "confirm",
    "note": "",
    "device": "d" * 20,
    "level": 3,
    "ticket": "",
    "email": "a@example.org",
    "number": 1,
    "token": "t",
    "on": True,
}
PARAMETER = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")
Request = tuple[str, str, bytes | None, dict[str, str]]


def escaped(word: object) -> str:
    """As it stands in an address; what is no Unicode as bytes that are no UTF-8."""
    return quote(str(word), safe="", errors="surrogatepass")[:3_000]


def address(item: Endpoint, **bad: str) -> str:
    """The path with one part that is nonsense."""
    return PARAMETER.sub(lambda found: bad.get(found[1], GOOD.get(found[1], "1")), item.path)


def nonsense() -> Iterator[Request]:
    """One request after the other."""
    as_json = {"Content-Type": "application/json"}
    for item in ENDPOINTS:
        if item.right is not Right.PUBLIC:
            continue
        for name in PARAMETER.findall(item.path):
            yield from ((item.method, address(item, **{name: escaped(word)}), None, {}) for word in WORDS)
        yield item.method, address(item, number="999999999", file="999999999"), None, {}
        if item.query is not None:
            for name in item.query.model_fields:
                for value in (*WORDS, *NUMBERS):
                    yield item.method, f"{address(item)}?{name}={escaped(value)}", None, {}
        if item.body is not None:
            yield from ((item.method, address(item), raw, as_json) for raw in RAW)
            names = item.body.json_schema().get("properties", {})
            for name in names:
                for value in (*WORDS, *NUMBERS, *OTHERS):
                    body = {key: WELL_MEANT[key] for key in names} | {name: value}
                    yield item.method, address(item), json.dumps(body).encode(), as_json
    for method, path in PLACES:
        for headers in HEADERS:
            yield method, path, b'{"username":"a","password":"b"}' if method == "POST" else None, headers
    yield from (("GET", path, None, {}) for path in ADDRESSES)


@dataclass
class Stranger:
    """Sends, each time from another address, and keeps what became of it."""

    session: aiohttp.ClientSession
    asked: int = 0
    surprises: list[object] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)

    async def send(self, requests: Iterator[Request]) -> None:
        for method, path, body, headers in requests:
            number = next(self.numbers)
            come_from = {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
            url = yarl.URL(path, encoded=True)
            async with self.session.request(method, url, data=body, headers=come_from | headers) as answer:
                content = await answer.read()
            self.asked += 1
            if answer.status >= 500 and b"no_mail" not in content:
                self.surprises.append((method, path[:100], str(body)[:100], headers, answer.status))


async def test_nonsense_is_refused_and_nothing_breaks(tmp_path: Path, postgres_url: str) -> None:
    settings = {"MINSHENG_TRUSTED_PROXIES": "127.0.0.1", "MINSHENG_DATABASE_URL": await fresh_postgres(postgres_url)}
    service = ServiceProcess(tmp_path / "data", **settings).start()
    try:
        async with aiohttp.ClientSession(service.url) as session:
            stranger, requests = Stranger(session), nonsense()
            await asyncio.gather(*(stranger.send(requests) for _ in range(8)))
        assert stranger.surprises == []
        assert stranger.asked > 2_000
        for line in LINES:
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            writer.write(line)
            async with asyncio.timeout(10):
                assert (await reader.read(9)).startswith(b"HTTP/1.")
            writer.close()
        assert await metric(service, "minsheng_malformed_requests_total") > 5
        admin = await Staff.sign_in(service)
        await admin.close()
    finally:
        assert service.stop() == 0
    log = service.log.read_text()
    assert "Traceback" not in log
    # What the libraries say once, of all of their kind; none of it is said by the service, or for each request.
    assert [line for line in log.splitlines() if "ERROR" in line and "further occurrences" not in line] == []
