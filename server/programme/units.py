"""The units of the district: stable ids, the plan's short names, full names."""

from dataclasses import dataclass
from hashlib import sha256

DISTRICT = "北京市大兴区"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit. `name` is the plan's short name; `full_name` the official one, the same where it is not known.

    `receives_filings`: takes the 报备 of every other unit (四、工作要求（一）: “同时向区政务服务局报备”).
    """

    id: str
    name: str
    full_name: str
    receives_filings: bool = False


def _town(unit_id: str, name: str) -> Unit:
    return Unit(unit_id, name, f"{DISTRICT}{name}人民政府")


def _subdistrict(unit_id: str, name: str) -> Unit:
    return Unit(unit_id, name, f"{DISTRICT}人民政府{name}办事处")


KNOWN = {
    unit.name: unit
    for unit in (
        _town("caiyu", "采育镇"),
        _town("yufa", "榆垡镇"),
        _subdistrict("xingfeng", "兴丰街道"),
        # Its full name has changed with reforms; the plan's own is kept.
        Unit("zhengwufuwuju", "政务服务局", "政务服务局", receives_filings=True),
        _subdistrict("guanyinsi", "观音寺街道"),
        _town("beizangcun", "北臧村镇"),
        Unit("sifaju", "司法局", f"{DISTRICT}司法局"),
        Unit("chengguanwei", "城管委", f"{DISTRICT}城市管理委员会"),
        Unit("renbaoju", "人保局", f"{DISTRICT}人力资源和社会保障局"),
        Unit("guodongban", "国动办", f"{DISTRICT}国防动员办公室"),
        _town("jiugong", "旧宫镇"),
        _town("yinghai", "瀛海镇"),
        _town("zhangziying", "长子营镇"),
        Unit("shichangjianguanju", "市场监管局", f"{DISTRICT}市场监督管理局"),
        Unit("caizhengju", "财政局", f"{DISTRICT}财政局"),
        Unit("guoziwei", "国资委", f"{DISTRICT}人民政府国有资产监督管理委员会"),
        Unit("jiaowei", "教委", f"{DISTRICT}教育委员会"),
        Unit("tongjiju", "统计局", f"{DISTRICT}统计局"),
        Unit("yibaoju", "医保局", f"{DISTRICT}医疗保障局"),
    )
}
"""The 19 units of the 2023 plan by its short names."""


def unit_named(name: str) -> Unit:
    """The unit that a plan calls `name`; one that is not in `KNOWN` gets an id made from its name, always the same."""
    short = name.removeprefix("北京市").removeprefix("大兴区").removeprefix("区")
    if known := KNOWN.get(short):
        return known
    return Unit(f"unit-{sha256(short.encode()).hexdigest()[:8]}", short, short)
