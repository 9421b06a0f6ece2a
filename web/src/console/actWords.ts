import type { ActLine, Corrected, HideReason } from "../shared/protocol";
import { HIDE_REASON, LABEL } from "../shared/words";
import { muteWords } from "./useActs";

const SIMPLE: Record<string, string> = {
  restore: "恢复了",
  approve: "通过了",
  reopen: "撤销了对它的处理：",
  merge: "合并了",
  split: "取消合并了",
  lift: "提前了",
  lower: "不再提前",
  unban: "解除禁言：",
  withdraw: "本人撤回了",
  remove: "按作者要求删除了",
  decision: "决定了",
  progress: "写了落实情况：",
  "hand-over": "转办了",
  "hand-over-accept": "接收了转办",
  "hand-over-return": "退回了转办",
  "hand-over-reply": "回复了转办",
  "hand-over-recall": "收回了转办",
};

/** What was done, as it stands before the words of the entry. */
export function didWords({ act, detail }: ActLine): string {
  switch (act) {
    case "hide":
      return `隐藏了（${HIDE_REASON[detail.reason as HideReason]}）`;
    case "decline":
      return `不采用（${String(detail.reason)}）`;
    case "answer":
      return detail.mode === "live" ? "记为现场已答" : "书面答复了";
    case "screen":
      return detail.on === true ? "上屏了" : "下屏了";
    case "suggest":
      return detail.on === true ? "列为建议" : "移出建议";
    case "ban":
      return `禁言 ${muteWords(Number(detail.minutes))}（${HIDE_REASON[detail.reason as HideReason]}${detail.network === true ? "，整个网段" : ""}）${detail.sweep === true ? "并隐藏了发言：" : ""}`;
    case "label":
      return `${detail.on === false ? "去掉" : "加了"}标签“${String(detail.label)}”`;
    case "note":
      return typeof detail.remove === "number" ? "删了备注" : "加了备注";
    case "correct":
      return detail.sentiment === null ? "改回模型的情感" : `情感更正为${LABEL[detail.sentiment as Corrected]}`;
    default:
      return SIMPLE[act] ?? act;
  }
}
