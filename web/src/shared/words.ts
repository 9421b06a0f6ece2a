/** What the codes of the protocol are called on the pages. */
import type { FieldChange } from "./desk";
import type { Decision, HandoverState, Progress } from "./outcomes";
import type {
  ActivityForm,
  ActivityKind,
  ActivityState,
  Entry,
  EntryState,
  Flag,
  FoundHow,
  HideReason,
  ModerationMode,
  Role,
  SentimentLabel,
  SpeechKind,
  Unit,
  Utterance,
  WordLevel,
} from "./protocol";
import { clock, plainDay } from "./time";

export const STATE: Record<ActivityState, string> = { scheduled: "预告", live: "直播中", ended: "已结束" };
export const KIND: Record<ActivityKind, string> = { "open-day": "政务开放日", lecture: "政策公开讲" };
export const FORM: Record<ActivityForm, string> = {
  online: "线上直播",
  "in-person": "现场参与",
  hybrid: "线上线下结合",
};
export const DECISION: Record<Decision, string> = {
  adopted: "采纳",
  "partly-adopted": "部分采纳",
  "not-adopted": "未采纳",
  "kept-for-reference": "留作参考",
  transferred: "转办",
};
/** The same as a state, said to the one who wrote it. */
export const DECIDED: Record<Decision, string> = {
  adopted: "已采纳",
  "partly-adopted": "部分采纳",
  "not-adopted": "未采纳",
  "kept-for-reference": "留作参考",
  transferred: "已转办",
};
export const DECISIONS = Object.keys(DECISION) as Decision[];
export const HIDE_REASON: Record<HideReason, string> = {
  spam: "广告刷屏",
  abuse: "辱骂攻击",
  privacy: "泄露隐私",
  unlawful: "违法违规",
  "off-topic": "与活动无关",
  other: "其他",
};
export const HIDE_REASONS = Object.keys(HIDE_REASON) as HideReason[];
export const MODE: Record<ModerationMode, string> = {
  after: "先发后审",
  before: "先审后发",
  suspicious: "可疑的先审",
};
export const MODES = Object.keys(MODE) as ModerationMode[];
export const WORD_LEVEL: Record<WordLevel, string> = { block: "拦截", hold: "先审", mark: "提示" };
export const WORD_LEVELS = Object.keys(WORD_LEVEL) as WordLevel[];
const HOW: Record<FoundHow, string> = {
  exact: "",
  folded: "，换了写法",
  spread: "，夹了空格或符号",
  loose: "，隔得较远",
  pinyin: "，同音或拼音",
};
export const LABEL: Record<SentimentLabel, string> = {
  positive: "正面",
  negative: "负面",
  uncertain: "不确定",
  unscored: "未评分",
};
export const UTTERANCE: Record<Utterance, string> = {
  question: "提问",
  suggestion: "建议",
  complaint: "投诉",
  thanks: "感谢",
  empty: "无内容",
  other: "其他",
};
export const ROLE: Record<Role, string> = { admin: "管理员", coordinator: "区级统筹", staff: "单位工作人员" };
export const ENTRY_KIND: Record<SpeechKind, string> = { comment: "留言", question: "提问", suggestion: "建议" };

/** 开放点 3 or 第 2 讲; what a unit added itself has no number in the plan. */
export function numberWords(kind: ActivityKind, number: number): string {
  if (number === 0) return "单位自办";
  return kind === "open-day" ? `开放点 ${number}` : `第 ${number} 讲`;
}

export const unitWords = (units: Unit[]): string => units.map((unit) => unit.name).join("、");

const DIRECTED = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** A name to show. One that turns the direction of writing is kept from turning what stands behind it (UAX #9). */
export function nickWords(nickname: string): string {
  if (nickname === "") return "网友";
  return DIRECTED.test(nickname) ? `\u2068${nickname}\u2069` : nickname;
}

/** What became of an entry, said to the one who wrote it. */
export const FATE: Record<EntryState, string> = {
  shown: "已展示",
  hidden: "未展示",
  merged: "已与相同内容合并",
  withdrawn: "已撤回",
  pending: "等待审核",
  open: "已公开，等待回答",
  answered: "已回答",
  declined: "未公开",
};

/** The same for the host. */
export const QUEUE_STATE: Record<EntryState, string> = {
  shown: "已展示",
  hidden: "已隐藏",
  merged: "已合并",
  withdrawn: "本人撤回",
  pending: "待审",
  open: "已公开",
  answered: "已答",
  declined: "未采用",
};

/** Why an entry was held or marked, for the host. */
export function flagWords(flag: Flag): string {
  if (flag.rule === "newcomer") return "首次发言";
  const list = flag.list === "*" ? "区级词表" : "单位词表";
  const where = flag.field === "nickname" ? "昵称里的" : "";
  return `${where}“${flag.word ?? ""}”（${list}${flag.how === null ? "" : HOW[flag.how]}）`;
}

/** How far what was decided has come. */
export const PROGRESS: Record<Progress, string> = { done: "已落实", "under-way": "推进中", "not-started": "未启动" };

export const HANDOVER: Record<HandoverState, string> = {
  offered: "待接收",
  accepted: "办理中",
  returned: "已退回",
  replied: "已回复",
  recalled: "已收回",
};

/** That others said the same. */
export const mergedWords = (count: number | undefined): string => (count ? `合并了 ${count} 条相同内容` : "");

/** To whom an entry was handed, how that stands, and until when a reply is asked for. */
export function handedWords({ unit, state, due }: NonNullable<Entry["handover"]>): string {
  const until = due === null || state === "replied" ? "" : `，要求${plainDay(due)}前回复`;
  return `转${unit}：${HANDOVER[state]}${until}`;
}

/** Who dealt with an entry last, and when. */
export function byWords(entry: Pick<Entry, "handled_by" | "handled_at">): string {
  if (entry.handled_by === null || entry.handled_at === null) return "";
  return `（${entry.handled_by}，${clock(entry.handled_at)}）`;
}

export function declineOrHideReason(reason: string | null): string {
  if (reason === null) return "";
  return HIDE_REASON[reason as HideReason] ?? reason;
}

/** What a correction changed, in a sentence. */
export function changeWords(change: FieldChange): string {
  if (change.before === "") return `增加${change.label}：${change.after}`;
  if (change.after === "") return `删去${change.label}（原为：${change.before}）`;
  return `${change.label}由“${change.before}”更正为“${change.after}”`;
}
