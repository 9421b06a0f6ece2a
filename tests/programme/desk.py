"""What the stories of the desk share: a planned activity, a unit's clerk, and a look from outside."""

import aiohttp

from tests.service import ServiceProcess, Staff

PLANNED = {
    "form": "online",
    "starts_at": "2023-10-10T06:00:00Z",
    "ends_at": "2023-10-10T08:00:00Z",
    "flow": "一、介绍\n二、答疑",
    "participation": "打开本页观看并提问",
    "place": "教委会议室",
}


async def staff_of(service: ServiceProcess, admin: Staff, unit: str, name: str) -> Staff:
    account = {"username": name, "name": f"{unit}经办人", "role": "staff", "unit": unit}
    created = await admin.done("POST", "/api/v1/accounts", account)
    return await Staff.sign_in(service, name, created["password"])


async def fetch(service: ServiceProcess, path: str) -> tuple[int, bytes, str]:
    async with aiohttp.ClientSession() as session:
        async with session.get(path if path.startswith("http") else service.url + path) as answer:
            return answer.status, await answer.read(), answer.content_type
