"""What kind of utterance a text is, by rules one can read.

It comes before any score: a question is no complaint because it asks, and a sentiment means little without it. Every
pattern is linear or bounded, so that a hostile text costs no more than an honest one.
"""

import re
from enum import StrEnum

from feedback.text import clean


class Utterance(StrEnum):
    """The kinds of utterance."""

    QUESTION = "question"
    SUGGESTION = "suggestion"
    COMPLAINT = "complaint"
    THANKS = "thanks"
    EMPTY = "empty"
    OTHER = "other"

    @property
    def text(self) -> str:
        return _TEXT[self]


_TEXT = {
    Utterance.QUESTION: "提问",
    Utterance.SUGGESTION: "建议",
    Utterance.COMPLAINT: "投诉",
    Utterance.THANKS: "感谢",
    Utterance.EMPTY: "无内容",
    Utterance.OTHER: "其他",
}

# [微笑], links and mentions say nothing by themselves.
_DECORATION = re.compile(r"https?://\S+|\[[^\[\]\s]{1,8}\]|@[^\s@:：，。]{1,20}(?=[\s:：]|$)")
_WORDLESS = re.compile(r"[\W\d_]+")
_PUNCTUATION = " \t\n，,。.！!；;、~～…"
# What people type to show that they are there.
_PRESENCE = re.compile(
    r"(?:[哈呵嘿嘻啊哦嗯呃噢喔呀哇唉额顶]|沙发|前排|打卡|签到|报到|报道|我?来了|到了|路过|围观|占座|测试|"
    r"test|hello|hi|(?:大家|主持人|老师|[你您])好|haha|aa|ww)+|[a-z]"
)

# A text that begins with one of these names its own kind.
_OPENS_SUGGESTION = re.compile(
    r"^(?:我(?:们|想)?|本人)?(?:的|有个|有一个|提个|提一个|几点|一点)?(?:小)?(?:建议|提议|倡议|意见)"
)
_OPENS_COMPLAINT = re.compile(r"^(?:我(?:们)?(?:要|想)?|本人|实名)?(?:投诉|举报|控诉|反映)")
_OPENS_QUESTION = re.compile(
    r"^(?:你好|您好|老师|领导|主持人)?[，,！!。\s]*(?:我(?:们)?(?:想|要)?)?(?:请问|咨询|问一下|问问|想问|请教)"
)

# “能否增加一趟车？” proposes, though it asks; “如果薄一些会更好” does too.
_PROPOSAL = re.compile(
    r"(?:能否|能不能|可否|可不可以|是否可以|能)(?:请|在|把|将|给|对|让)?[^，。！？?]{0,8}"
    r"(?:增加|增设|增开|加装|增派|重新|延长|加快|加大|加强|多开|多办|多设|设个|设一|改为|改成|改到|调整为|调大|调高|提高|提前公布|早点|完善)"
    r"[^吗呢]*$|"
    r"(?:要是|如果|若是|假如|什么时候)[^。！？?]{1,40}(?:就好了|该多好|多好|就行了|会更好|更好吃|就更好|就完美)"
)
# Asks for an existing trouble to be ended; “请求增加” asks for something new.
_REMEDY = re.compile(
    r"(?:请|请求|恳请|恳求|求|盼|望|希望|尽快|尽早)[^，。！？]{0,24}(?:解决|拆除|查处|严惩|取缔|追责|制止|退还|退款|整治[^，。]{0,20}乱象)"
)
_QUESTION_MARK = re.compile(r"[?？]")
_QUESTION_END = ("吗", "么", "呢", "与否", "了没有", "了没", "可以不", "行不行", "行不")
_QUESTION_WORD = re.compile(
    r"请问|咨询|请教|想问|问一下|想了解|想知道|怎么(?:样|办|申请|办理|报名|查|走|交|领|算|弄|才|去|联系|预约|参加|缴|补)|"
    r"如何|什么时候|何时|什么(?:条件|材料|手续|流程|标准|时间|地方|政策|要求|原因|情况)|为什么|为何|为啥|"
    r"哪里|哪儿|哪个|哪些|哪天|哪家|几点|几号|几天|多久|多少|多大|多长|"
    r"疑问|怎么(?=[收寄买用填写看进到上下选改])|[一二三四五几]问(?=[A-Z\u4e00-\u9fa5])|"
    r"是否|是不是|能不能|可不可以|可以不可以|会不会|要不要|需不需要|有没有|有无|能否|可否|需要什么"
)
# Indignation in the form of a question: it asks for an act, not for an answer.
_RHETORICAL = re.compile(
    r"凭什么|难道|还有没有(?:人|王法|天理)|有没有人管|谁来管|管不管|怎么(?:就)?没人|何时是个头|天理何在|不管吗|"
    r"凭[a-zA-Z]{0,3}什么|(?:怎么|为什么|为何|为啥|咋)(?:就是|就|还是|还|总是|总|一直|依旧|依然|至今|老是|这么|那么|都)(?:不|没|未|难|慢|差|贵|乱|吵|堵)|"
    r"(?:怎么|咋)(?:这么|那么)|(?:为何|为什么)(?:依旧|依然|一直|至今|迟迟|还)|给我送的.{0,12}没有"
)

_SUGGESTION_WORD = re.compile(
    r"建议|希望|盼望|期盼|期望|期待|提议|倡议|呼吁|恳请|恳求|请求|应该|应当|最好(?!的|吃|看|喝|用|玩|不)|不如|何不|"
    r"可以考虑|能够?(?:多|再|尽快|尽早|早日|加强|增加|增设|改善|延长|开通)|请(?:尽快|尽早|相关部门|有关部门|政府|加强|加大|增加|多)|"
    r"请(?!问|教|假|客|柬|帖)[^，。！？]{0,14}(?:加快|加强|加大|提高|增加|增设|重视|公开|完善|落实|考虑|延长|开通|修缮|修建|规范)|"
    r"急需|亟需|亟待|需要(?:增加|改造|完善|加强|规范)|拒绝使用|少用|不要再|要是能|如果能|要加强|需要加强|需加强|多(?:一些|一点|些|点)(?:就好|吧)|加强.{0,12}(?:管理|监管|宣传|建设)"
)
_COMPLAINT_WORD = re.compile(
    r"投诉|举报|扰民|不作为|乱作为|没人管|无人管|推诿|踢皮球|敷衍|乱收费|收费不合理|违建|违规|违法|违章|非法|拖欠|欠薪|"
    r"噪音|噪声|恶臭|臭味|异味|脏乱差|污染|偷排|占道|霸占|私自|强制|强行|捆绑|欺骗|骗子|诈骗|坑人|坑骗|黑心|"
    r"态度(?:太|很|非常|极其|特别|极)?(?:差|恶劣|不好)|太差|极差|差劲|垃圾(?:服务|公司|物业|单位)|"
    r"打不通|没人接|不接电话|不解决|不处理|得不到解决|一直没(?:有)?(?:解决|处理|回复|人)|至今(?:未|没)|"
    r"迟迟|不合理|不公平|严重影响|苦不堪言|忍无可忍|失望|气愤|愤怒|可恶|坑爹|辣鸡|太慢|卡死|"
    # what is broken, missing or in the way
    r"漏水|渗水|停水|断水|停电|断电|停暖|积水|泡水|反水|垮塌|坍塌|塌陷|塌方|破损|坏了|损坏|裂缝|开裂|失修|年久|泥泞|坑洼|"
    r"隐患|有危险|太危险|没有路灯|路灯不亮|堵塞|拥堵|堵车|乱停|乱放|违停|乱扔|乱倒|乱搭|乱象|占用|强占|侵占|挤占|出店经营|飙车|鸣笛|"
    r"无证|无手续|无消防|未经审批|通宵|夜间施工|焚烧|扬尘|灰尘|油烟|恶臭|臭气|很吵|太吵|吵得|震动|光线太强|蚊虫|老鼠|"
    # what was done to somebody
    r"补课|乱收|多收|无理收费|收费(?:过高|太高|不合理|贵)|昂贵|太贵|缩水|违约|欺诈|陷阱|被骗|受骗|上当|套路|虚假|霸王条款|毁坏|破坏|"
    r"损害|侵犯|侵害|包庇|殴打|打人|无良|恶意|缺陷|不肯|不给|不退|不让|不予|不发|不认|不按|拒不|要不回|退不了|办不下来|交不了房|"
    r"质疑|坚决反对|业主反对|居民反对|强烈反对|抗议|无人(?:问津|处理|过问|负责)|没人(?:处理|负责|理|修|来)|仍未|依旧没有|依然没有|没有动静|"
    r"影响(?:行车|出行|生活|休息|睡眠|学习|安全|健康|通行)|怎么办理难|(?:报名|办事|停车|出行|上学|入园|就医|买[\u4e00-\u9fa5]{1,3}|退[\u4e00-\u9fa5]{1,3})难|"
    r"(?:[一两三四五六七八九十几多半\d]+)(?:个)?(?:年|月|天|星期|周|小时)(?:了|还|都|没|未)|"
    # a broadcast or a purchase that disappoints
    r"听不清|听不见|看不清|没声音|没有声音|声音太小|卡顿|老是卡|难吃|不好吃|不很好吃|难喝|不新鲜|凉(?:了|透|的)|冷掉|太咸|太油|太腻|有点腻|"
    r"馊|少送|漏送|送错|没送|晚了|等了|超时|[送等](?:的|得)?(?:很|太|真|好)?慢|速度慢|(?:分量|份量|量)[太很有点比较也]*少|太少|咬不动|不舒服|"
    r"搞这么麻烦|太麻烦|不方便|口感不好|味道(?:不好|一般|差)|直接扔|丧心病狂|坑点|差评"
)
_THANKS_WORD = re.compile(
    r"感谢|谢谢|多谢|致谢|感恩|辛苦了|您辛苦|你们辛苦|点赞|为.{1,12}点赞|[大很超]赞|赞一个|好样的|致敬|鸣谢|谢啦|3q|thanks?"
)
# “谢谢” at the end of a request is politeness.
_POLITE_END = re.compile(r"(?:非常|十分|万分|多)?(?:谢谢|感谢|谢啦|多谢)(?:您|你|老师|领导|大家|了)*$")


def classify(text: str) -> Utterance:
    """The kind of *text*: the opening first, then what it asks for, then what it complains about or thanks for.

    Never fails; a text without words (punctuation, digits, emoji, “哈哈哈”, “签到”) is EMPTY.
    """
    words = _DECORATION.sub(" ", clean(text)).strip()
    bare = _WORDLESS.sub("", words).lower()
    if not bare or _PRESENCE.fullmatch(bare):
        return Utterance.EMPTY
    request = _POLITE_END.sub("", words.rstrip(_PUNCTUATION)).rstrip(_PUNCTUATION)
    if not request:
        return Utterance.THANKS
    return _by_opening(request) or _by_words(request)


def _by_opening(request: str) -> Utterance | None:
    if _PROPOSAL.search(request) and not _OPENS_COMPLAINT.search(request):
        return Utterance.SUGGESTION
    if _OPENS_QUESTION.search(request):
        return Utterance.QUESTION
    if _OPENS_SUGGESTION.search(request):
        return Utterance.SUGGESTION
    if _OPENS_COMPLAINT.search(request) and not _asks(request):  # “投诉电话是多少” asks
        return Utterance.COMPLAINT
    return None


def _asks(request: str) -> bool:
    if _RHETORICAL.search(request):
        return False
    return any(pattern.search(request) for pattern in (_QUESTION_MARK, _QUESTION_WORD)) or request.endswith(
        _QUESTION_END
    )


def _by_words(request: str) -> Utterance:
    wish = _SUGGESTION_WORD.search(request)
    grief = _COMPLAINT_WORD.search(request) or _RHETORICAL.search(request)
    if _asks(request):
        return Utterance.QUESTION
    if _REMEDY.search(request):
        return Utterance.COMPLAINT
    # “路灯坏了没人管，希望尽快修” is a complaint with a wish, “希望加强噪音管理” a suggestion that names its subject:
    # what comes first decides.
    if wish and (not grief or wish.start() < grief.start()):
        return Utterance.SUGGESTION
    if grief:
        return Utterance.COMPLAINT
    return Utterance.THANKS if _THANKS_WORD.search(request) else Utterance.OTHER
