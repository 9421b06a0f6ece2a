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

_QUESTION_MARK = re.compile(r"[?？]")
_QUESTION_END = ("吗", "么", "呢", "与否", "了没有", "了没", "可以不", "行不行", "行不")
_QUESTION_WORD = re.compile(
    r"请问|咨询|请教|想问|问一下|想了解|想知道|怎么(?:样|办|申请|办理|报名|查|走|交|领|算|弄|才|去|联系|预约|参加|缴|补)|"
    r"如何|什么时候|何时|什么(?:条件|材料|手续|流程|标准|时间|地方|政策|要求|原因|情况)|为什么|为何|为啥|"
    r"哪里|哪儿|哪个|哪些|哪天|哪家|几点|几号|几天|多久|多少|多大|多长|"
    r"是否|是不是|能不能|可不可以|可以不可以|会不会|要不要|需不需要|有没有|有无|能否|可否|需要什么"
)
# Indignation in the form of a question: it asks for an act, not for an answer.
_RHETORICAL = re.compile(
    r"凭什么|难道|还有没有(?:人|王法|天理)|有没有人管|谁来管|管不管|怎么(?:就)?没人|何时是个头|天理何在|不管吗"
)

_SUGGESTION_WORD = re.compile(
    r"建议|希望|盼望|期盼|期望|期待|提议|倡议|呼吁|恳请|恳求|请求|应该|应当|最好(?!的|吃|看|喝|用|玩)|不如|何不|"
    r"可以考虑|能够?(?:多|再|尽快|尽早|早日|加强|增加|增设|改善|延长|开通)|请(?:尽快|尽早|相关部门|有关部门|政府|加强|加大|增加|多)|"
    r"要是能|如果能|要加强|需要加强|需加强|多(?:一些|一点|些|点)(?:就好|吧)|加强.{0,12}(?:管理|监管|宣传|建设)"
)
_COMPLAINT_WORD = re.compile(
    r"投诉|举报|扰民|不作为|乱作为|没人管|无人管|推诿|踢皮球|敷衍|乱收费|收费不合理|违建|违规|违法|违章|非法|拖欠|欠薪|"
    r"噪音|噪声|恶臭|臭味|异味|脏乱差|污染|偷排|占道|霸占|私自|强制|强行|捆绑|欺骗|骗子|诈骗|坑人|坑骗|黑心|"
    r"态度(?:太|很|非常|极其|特别|极)?(?:差|恶劣|不好)|太差|极差|差劲|垃圾(?:服务|公司|物业|单位)|"
    r"打不通|没人接|不接电话|不解决|不处理|得不到解决|一直没(?:有)?(?:解决|处理|回复|人)|至今(?:未|没)|"
    r"迟迟|不合理|不公平|严重影响|苦不堪言|忍无可忍|失望|气愤|愤怒|可恶|坑爹|辣鸡|太慢|卡死"
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
    # “路灯坏了没人管，希望尽快修” is a complaint with a wish, “希望加强噪音管理” a suggestion that names its subject:
    # what comes first decides.
    if wish and (not grief or wish.start() < grief.start()):
        return Utterance.SUGGESTION
    if grief:
        return Utterance.COMPLAINT
    return Utterance.THANKS if _THANKS_WORD.search(request) else Utterance.OTHER
