"""The whole service at work on one machine: one activity on air, citizens who speak, accounts to sign in with."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from logging import getLogger

import socketio

from server.activities import change_state, get_activity
from server.auth.accounts import create_account, find_account, principal_of, set_password
from server.auth.passwords import generate_password
from server.auth.publishing import publish_token
from server.auth.rights import Role
from server.config import Settings
from server.deadlines import timetable_of
from server.holidays import working_calendar
from server.notices import publish as publish_notice
from server.notices import versions_of
from server.realtime.channels import AUDIENCE
from server.serve import prepare, running, stop_signal
from server.services import SERVICES, utc_now
from server.store.database import Database
from streaming.clip import make_clip
from streaming.errors import RelayError
from streaming.publish import PublishError, publish

log = getLogger(__name__)

ACTIVITY = "k01"
CLIP_SECONDS = 12
SPEAK_EVERY = 3.0

VOICES = (
    ("comment", "采育的王阿姨", "窗口的同志很耐心，办老年卡十分钟就好了，点赞"),
    ("question", "小李", "周六日政务大厅上班吗？平时上班请不了假"),
    ("comment", "村里老张", "现在办事比以前方便多了，不用来回跑"),
    ("comment", "匆匆过客", "排队还是太久了，上次等了一个多小时，希望改进"),
    ("question", "创业者小陈", "开一家小餐馆需要办哪些手续，能一次办完吗？"),
    ("comment", "网友", "直播挺清楚的👍"),
    ("comment", "阳光灿烂", "建议增加自助机，晚上也能打印证明"),
    ("question", "新居民", "居住证可以在镇里的大厅办吗，还是要去区里？"),
    ("comment", "二宝妈妈", "大厅有母婴室，很贴心，谢谢"),
    ("comment", "认真听讲", "讲解员说得很明白，听懂了"),
    ("question", "赵师傅", "医保异地报销的材料能不能网上提交？"),
    ("comment", "路过", "电话总是打不通，打了三次都没人接"),
    ("comment", "大学生村官", "建议把办事指南做成短视频，老人看得懂"),
    ("question", "小周", "企业开办的免费帮办代办怎么申请？"),
    ("comment", "夕阳红", "长辈版字大，看得清楚"),
    ("comment", "热心市民", "希望多搞这样的开放日"),
)


@dataclass(frozen=True, slots=True)
class Login:
    """An account and its password, or None where its owner chose one."""

    username: str
    password: str | None
    words: str


async def demo_forever(settings: Settings) -> int:
    """`minsheng demo`. Returns the exit status."""
    stop = stop_signal()
    try:
        await prepare(settings)
        logins = await _prepare(settings)
        async with running(settings) as app:
            address = settings.local_url
            _say(address, logins)
            async with _citizens(address), _on_air(settings, address):
                await stop.wait()
                print("\nStopping…", flush=True)
            await app[SERVICES].relay.end_activity(ACTIVITY)
    except (OSError, RelayError) as error:
        log.critical("cannot start: %s", error)
        return 1
    return 0


def _say(address: str, logins: list[Login]) -> None:
    print(
        f"\nMinsheng 民声 demo\n\n"
        f"  watch page    {address}/a/{ACTIVITY}\n"
        f"  host console  {address}/console/{ACTIVITY}\n"
        f"  programme     {address}/\n"
        f"  desk          {address}/admin\n\n"
        f"  accounts (user name, password)"
    )
    for login in logins:
        print(f"    {login.username:<12}  {login.password or '(as its owner set it)':<18}  {login.words}")
    print("\nCtrl-C ends all of it.\n", flush=True)


async def _prepare(settings: Settings) -> list[Login]:
    """Accounts with new passwords, and the activity set up and live."""
    database = Database(settings.sqlalchemy_url)
    now = utc_now()
    try:
        async with database.write() as session:
            activity = await get_activity(session, ACTIVITY)
            unit = activity.units[0]
            logins = []
            for username, name, role, unit_id, words in (
                ("admin", "管理员", Role.ADMIN, None, "管理员"),
                ("coordinator", "区政务公开办", Role.COORDINATOR, None, "统筹全区活动"),
                (unit.id, f"{unit.name}主持人", Role.STAFF, unit.id, f"{unit.name}工作人员"),
            ):
                account = await find_account(session, username)
                password: str | None = generate_password()
                if account is None:
                    await create_account(
                        session,
                        username=username,
                        name=name,
                        role=role,
                        unit_id=unit_id,
                        password=password or "",
                        generated=True,
                        now=now,
                    )
                elif account.password_generated:
                    await set_password(session, account, password or "", generated=True)
                else:
                    password = None
                logins.append(Login(username, password, words))
            if activity.starts_at is None:
                activity.starts_at = now
                activity.ends_at = now + timedelta(hours=2)
                activity.form = "hybrid"
                activity.place = f"{unit.name}政务服务中心一层大厅"
                activity.flow = (
                    "一、主任致辞\n二、参观综合窗口、自助服务区\n三、现场体验“一窗通办”\n四、座谈交流，回答提问"
                )
                activity.participation = "打开本页即可观看直播；在“互动”里发表评论，在“提问”里向主办单位提问。"
                host = await find_account(session, unit.id)
                if host is not None and not await versions_of(session, activity.id):
                    await publish_notice(
                        session,
                        principal_of(host),
                        activity,
                        timetable_of(await working_calendar(session), activity),
                        free=(),
                        reason="演示活动，当天开始",
                        seen=0,
                        now=now,
                    )
            if activity.state != "live":
                change_state(activity, "live", now)
    finally:
        await database.close()
    return logins


@contextlib.asynccontextmanager
async def _on_air(settings: Settings, address: str) -> AsyncIterator[None]:
    """A clip made on the spot, published through WHIP, again and again."""
    task = asyncio.create_task(_publish_forever(settings, address), name="demo-publisher")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _publish_forever(settings: Settings, address: str) -> None:
    clip = settings.data_dir / "demo-clip.mkv"
    if not clip.exists():
        draft = clip.with_suffix(".new.mkv")
        await asyncio.to_thread(make_clip, draft, seconds=CLIP_SECONDS)
        draft.replace(clip)
    token = publish_token(settings.signing_key(), ACTIVITY)
    while True:
        try:
            await publish(str(clip), f"{address}/whip/{ACTIVITY}", token, loop=True)
        except PublishError as error:
            # The relay may just have been restarted, or a host took over: the demo's clip comes back later.
            log.warning("demo: %s; trying again", error)
        await asyncio.sleep(2)


@contextlib.asynccontextmanager
async def _citizens(address: str) -> AsyncIterator[None]:
    """Real sockets, one for each voice, speaking in turn."""
    clients: list[socketio.AsyncClient] = []
    task: asyncio.Task[None] | None = None
    try:
        for _ in VOICES:
            client = socketio.AsyncClient(handle_sigint=False)  # the demo has its own
            clients.append(client)
            await client.connect(
                address,
                auth={"activity": ACTIVITY, "device": secrets.token_urlsafe(16)},
                namespaces=[AUDIENCE],
                transports=["websocket"],
            )
        task = asyncio.create_task(_speak_forever(clients), name="demo-citizens")
        yield
    finally:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for client in clients:
            await client.disconnect()


async def _speak_forever(clients: list[socketio.AsyncClient]) -> None:
    for client, (event, nickname, text) in zip(itertools.cycle(clients), itertools.cycle(VOICES), strict=False):
        await asyncio.sleep(SPEAK_EVERY)
        payload = {"key": secrets.token_urlsafe(9), "text": text, "nickname": nickname}
        try:
            await client.call(event, payload, namespace=AUDIENCE, timeout=5)
        except socketio.exceptions.SocketIOError as error:
            log.warning("demo: a citizen was not heard: %s", error)
