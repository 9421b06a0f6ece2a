"""Office files are zip archives, and their writers stamp them with the time of writing. This takes the stamp off."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

from feedback.digest.wording import beijing

_FIRST_YEAR = 1980  # zip cannot date earlier


def stamped(data: bytes, as_of: datetime, edit: Callable[[str, bytes], bytes] | None = None) -> bytes:
    """The archive *data* with every member dated *as_of*: same data, same bytes. *edit* may change each by its name."""
    local = beijing(as_of)
    date = (max(local.year, _FIRST_YEAR), local.month, local.day, local.hour, local.minute, local.second)
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, date)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o600 << 16
            content = source.read(name)
            target.writestr(member, edit(name, content) if edit else content, compresslevel=6)
    return result.getvalue()
