"""How every event is acknowledged: `{"ok": true, …}`, or `{"ok": false, "error"}` with what to do."""

from collections.abc import Awaitable
from logging import getLogger
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from server.errors import BadRequest, ServiceError, Unavailable

log = getLogger(__name__)


async def acknowledge(work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Await the work and make its acknowledgement; a database that is away becomes `unavailable`."""
    try:
        return {"ok": True, **await work}
    except ValidationError:
        error: ServiceError = BadRequest("发送的内容格式不正确。")
    except ServiceError as refusal:
        error = refusal
    except (SQLAlchemyError, OSError) as failure:
        log.error("socket: %s", failure)
        error = Unavailable("系统正在恢复，请稍后再试。", retry_after=3)
    return {"ok": False, "error": error.as_dict()}
