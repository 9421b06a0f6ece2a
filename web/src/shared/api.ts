import type {
  AssessmentRow,
  Attachment,
  ColumnEntry,
  DeskRow,
  FilePurpose,
  Filing,
  HistoryItem,
  Holiday,
  Holidays,
  Materials,
  Notice,
  NoticeDraft,
  NoticeField,
  NoticeHistory,
  PlanReading,
  Quote,
  ReminderSettings,
  Timetable,
} from "./desk";
import type {
  Across,
  Decision,
  Handover,
  HandoverAct,
  Ledger,
  Outcomes,
  OutcomesWanted,
  OutcomeVersion,
  Progress,
  Receipt,
  Release,
  Removal,
  Suggestion,
  Topics,
  UnitSettings,
} from "./outcomes";
import type {
  Account,
  Act,
  ActLine,
  Activity,
  ActivityForm,
  ActivityKind,
  ActivityState,
  Ban,
  ChallengeMode,
  Done,
  Entry,
  EntryKind,
  Finding,
  IdentityMode,
  ModerationMode,
  MoodPicture,
  Role,
  SentimentLabel,
  Summary,
  Unit,
  WordLevel,
  WordList,
} from "./protocol";
import type { Film } from "./film";
import type { Recording, Replay, Restream } from "./recording";

/** An answer that is no success. `message` can be shown to a person. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Which field of the input is meant; empty where none is. */
  readonly field: string;

  constructor(status: number, code: string, message: string, field = "") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

const PLAIN_WORDS: Record<number, string> = {
  400: "填写的内容有误，请检查后再试。",
  401: "登录已过期，请重新登录。",
  403: "您的账号没有这项权限。",
  404: "没有找到您要的内容。",
  409: "内容刚刚有变化，请刷新后再试。",
  413: "内容太大，无法提交。",
  429: "操作太频繁，请稍后再试。",
};

async function refusal(response: Response): Promise<ApiError> {
  const fallback = PLAIN_WORDS[response.status] ?? "服务暂时不可用，请稍后再试。";
  try {
    const { error } = (await response.json()) as { error?: { code?: string; message?: string; field?: string } };
    return new ApiError(response.status, error?.code ?? "unknown", error?.message || fallback, error?.field ?? "");
  } catch {
    // A proxy in between answers with a page, not with our JSON.
    return new ApiError(response.status, "unknown", fallback);
  }
}

const PATIENCE = 20_000;
/** A large file over a phone's line. */
const UPLOAD_PATIENCE = 600_000;

/** Staff pages put here what happens when a session has ended in the middle of the work. */
export const session = { onEnded: (): void => undefined };

/** One request to the service, with its refusal in words. */
export async function request<T>(method: string, path: string, body?: unknown, patience = PATIENCE): Promise<T> {
  const abort = new AbortController();
  const timer = window.setTimeout(() => abort.abort(), patience);
  try {
    const options: RequestInit = { method, credentials: "same-origin", signal: abort.signal };
    if (body instanceof Blob) {
      options.headers = { "Content-Type": "application/octet-stream" };
      options.body = body;
    } else if (body !== undefined) {
      options.headers = { "Content-Type": "application/json" };
      options.body = JSON.stringify(body);
    }
    const response = await fetch(`/api/v1${path}`, options);
    if (response.status === 401 && path !== "/session") session.onEnded();
    if (!response.ok) throw await refusal(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, "network", "网络连接不上，请检查网络后再试。");
  } finally {
    window.clearTimeout(timer);
  }
}

const at = encodeURIComponent;

export interface ActivityChanges {
  title?: string;
  summary?: string;
  form?: ActivityForm | null;
  starts_at?: string | null;
  ends_at?: string | null;
  place?: string;
  flow?: string;
  participation?: string;
  kind?: ActivityKind;
  topic?: string | null;
  leader?: string;
  attended?: string;
  promise_days?: number | null;
  moderation?: ModerationMode;
  slow_seconds?: number;
  challenge?: ChallengeMode;
  identity?: IdentityMode;
  units?: Unit["id"][];
  /** Why the time changes, where that has to be filed. */
  reason?: string;
}

export interface NewActivity {
  kind: ActivityKind;
  title: string;
  units: Unit["id"][];
  summary: string;
}

export interface NewNotice {
  /** The newest version that this page has seen. */
  version: number;
  free: NoticeField[];
  reason: string;
}

export interface NewMaterials {
  /** The newest version that this page has seen. */
  version: number;
  text: string;
  recording_url: string | null;
  files: number[];
  quotes: (Quote & { cleared: true })[];
  contact: string;
}

export interface AssessmentFilters {
  kind?: ActivityKind;
  unit?: Unit["id"];
  activity?: string;
  urgent?: "1";
}

export interface NewAccount {
  username: string;
  name: string;
  role: Role;
  unit: Unit["id"] | null;
}

export interface AccountChanges {
  name?: string;
  role?: Role;
  unit?: Unit["id"] | null;
  disabled?: boolean;
  reset_password?: boolean;
}

export interface DecisionInput {
  decision: Decision;
  reason: string;
  transferred_to: string | null;
  revision: number;
}

export interface SuggestionBook {
  suggestions: Suggestion[];
  ledger: Ledger;
  problems: string[];
  release: Release;
}

export type DigestFormat = "docx" | "pdf" | "xlsx" | "csv" | "json";

export const api = {
  activities: async (): Promise<Summary[]> =>
    (await request<{ activities: Summary[] }>("GET", "/activities")).activities,
  activity: (slug: string): Promise<Activity> => request("GET", `/activities/${at(slug)}`),
  outcomes: (slug: string, wanted: OutcomesWanted = {}): Promise<Outcomes> => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) search.set(name, String(value));
    return request("GET", `/activities/${at(slug)}/outcomes?${search.toString()}`);
  },
  replay: (slug: string): Promise<Replay> => request("GET", `/activities/${at(slug)}/replay`),
  recording: (slug: string): Promise<Recording> => request("GET", `/activities/${at(slug)}/recording`),
  setRecording: (slug: string, change: { allowed?: boolean; released?: boolean }): Promise<Recording> =>
    request("PUT", `/activities/${at(slug)}/recording`, change),
  restreams: (slug: string): Promise<{ restreams: Restream[] }> => request("GET", `/activities/${at(slug)}/restreams`),
  addRestream: (slug: string, name: string, url: string): Promise<unknown> =>
    request("POST", `/activities/${at(slug)}/restreams`, { name, url }),
  removeRestream: (slug: string, id: number): Promise<unknown> =>
    request("DELETE", `/activities/${at(slug)}/restreams/${id}`),
  film: (slug: string): Promise<Film> => request("GET", `/activities/${at(slug)}/film`),
  planFilm: (slug: string, plan: { planned?: boolean; ends_activity?: boolean }): Promise<Film> =>
    request("PUT", `/activities/${at(slug)}/film`, plan),
  playFilm: (slug: string): Promise<Film> => request("POST", `/activities/${at(slug)}/film/play`),
  stopFilm: (slug: string): Promise<Film> => request("POST", `/activities/${at(slug)}/film/stop`),
  removeFilm: (slug: string): Promise<void> => request("DELETE", `/activities/${at(slug)}/film`),
  announceFilm: (slug: string, name: string, size: number): Promise<Film> =>
    request("POST", `/activities/${at(slug)}/film/upload`, { name, size }),
  sendFilm: (slug: string, offset: number, piece: Blob): Promise<Film> =>
    request("PUT", `/activities/${at(slug)}/film/upload?offset=${offset}`, piece, UPLOAD_PATIENCE),
  filmOfRecording: (slug: string, activity: string): Promise<Film> =>
    request("POST", `/activities/${at(slug)}/film/recording`, { activity }),
  receipt: (receipt: string): Promise<Receipt> => request("POST", "/receipts", { receipt }),
  withdraw: (receipt: string): Promise<Receipt> => request("POST", "/receipts/withdraw", { receipt }),
  askRemoval: (receipt: string, note: string): Promise<Receipt> => request("POST", "/receipts/removal", { receipt, note }),
  removals: async (slug: string): Promise<Removal[]> =>
    (await request<{ removals: Removal[] }>("GET", `/activities/${at(slug)}/removals`)).removals,
  answerRemoval: async (id: number, act: { act: "remove"; reply: boolean } | { act: "refuse"; reason: string }): Promise<Removal> =>
    (await request<{ removal: Removal }>("POST", `/removals/${id}`, act)).removal,
  topics: (slug: string): Promise<Topics> => request("GET", `/activities/${at(slug)}/topics`),
  fileUnder: (slug: string, suggestions: number[], topic: string): Promise<{ filed: number }> =>
    request("POST", `/activities/${at(slug)}/topics`, { suggestions, topic }),

  signIn: async (username: string, password: string): Promise<Account> =>
    (await request<{ account: Account }>("POST", "/session", { username, password })).account,
  session: async (): Promise<Account> => (await request<{ account: Account }>("GET", "/session")).account,
  signOut: (): Promise<void> => request("DELETE", "/session"),

  /** The board as a workbook; filters that are empty ask for everything. */
  deskUrl: (filters: Record<string, string>): string => {
    const asked = Object.entries(filters).filter(([, value]) => value !== "");
    return `/api/v1/desk.xlsx?${new URLSearchParams(asked).toString()}`;
  },
  desk: (): Promise<{ today: string; activities: DeskRow[] }> => request("GET", "/desk"),
  change: (slug: string, changes: ActivityChanges): Promise<Activity> =>
    request("PATCH", `/activities/${at(slug)}`, changes),
  setState: (slug: string, state: Exclude<ActivityState, "scheduled">): Promise<Activity> =>
    request("POST", `/activities/${at(slug)}/state`, { state }),
  publishToken: (slug: string): Promise<{ token: string; whip_url: string }> =>
    request("GET", `/activities/${at(slug)}/publish-token`),

  mood: (slug: string): Promise<MoodPicture> => request("GET", `/activities/${at(slug)}/mood`),
  entries: (
    slug: string,
    query: {
      kind?: EntryKind;
      state?: string;
      q?: string;
      sentiment?: SentimentLabel;
      since?: string;
      until?: string;
      public?: boolean;
      before?: number;
      limit?: number;
    },
  ): Promise<{ entries: Entry[]; next: number | null }> => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) search.set(name, String(value));
    return request("GET", `/activities/${at(slug)}/entries?${search.toString()}`);
  },
  act: (id: number, act: Act): Promise<Done> => request("POST", `/entries/${id}/acts`, act),
  acts: (slug: string, before?: number): Promise<{ acts: ActLine[]; next: number | null }> =>
    request("GET", `/activities/${at(slug)}/acts${before === undefined ? "" : `?before=${before}`}`),
  bans: async (slug: string): Promise<Ban[]> =>
    (await request<{ bans: Ban[] }>("GET", `/activities/${at(slug)}/bans`)).bans,

  wordLists: async (): Promise<WordList[]> => (await request<{ lists: WordList[] }>("GET", "/word-lists")).lists,
  replaceWords: (input: {
    unit: Unit["id"] | null;
    severity: WordLevel;
    words: string[];
    revision: number;
  }): Promise<WordList> => request("PUT", "/word-lists", input),
  tryWords: (text: string, unit: Unit["id"] | null): Promise<Finding> =>
    request("POST", "/word-lists/test", { text, unit }),

  suggestions: (slug: string): Promise<SuggestionBook> => request("GET", `/activities/${at(slug)}/suggestions`),
  decide: async (id: number, input: DecisionInput): Promise<Suggestion> =>
    (await request<{ suggestion: Suggestion }>("PUT", `/suggestions/${id}/decision`, input)).suggestion,
  decideMany: (
    slug: string,
    input: Omit<DecisionInput, "revision"> & { suggestions: { id: number; revision: number }[] },
  ): Promise<{ decided: Suggestion[]; refused: { id: number; message: string }[] }> =>
    request("POST", `/activities/${at(slug)}/decisions`, input),
  tellProgress: async (id: number, progress: Progress, text: string): Promise<Suggestion> =>
    (await request<{ suggestion: Suggestion }>("POST", `/suggestions/${id}/updates`, { progress, text })).suggestion,
  outcomeVersions: async (slug: string): Promise<OutcomeVersion[]> =>
    (await request<{ versions: OutcomeVersion[] }>("GET", `/activities/${at(slug)}/outcomes/versions`)).versions,
  requestRelease: (slug: string, note: string): Promise<{ sha256: string }> =>
    request("POST", `/activities/${at(slug)}/outcomes/release`, { note }),
  returnRelease: (slug: string, sha256: string, remark: string): Promise<{ sha256: string }> =>
    request("POST", `/activities/${at(slug)}/outcomes/release/return`, { sha256, remark }),
  handOver: async (entry: number, input: { unit: string; due: string | null; note: string }): Promise<Handover> =>
    (await request<{ handover: Handover }>("POST", `/entries/${entry}/handovers`, input)).handover,
  handovers: async (): Promise<Handover[]> => (await request<{ handovers: Handover[] }>("GET", "/handovers")).handovers,
  changeHandover: async (id: number, act: HandoverAct, words: string): Promise<Handover> =>
    (await request<{ handover: Handover }>("POST", `/handovers/${id}`, { act, words })).handover,
  unitSettings: async (): Promise<UnitSettings[]> =>
    (await request<{ units: UnitSettings[] }>("GET", "/unit-settings")).units,
  changeUnit: (id: string, four_eyes: boolean): Promise<UnitSettings> =>
    request("PUT", `/unit-settings/${at(id)}`, { four_eyes }),
  publishOutcomes: (slug: string, note: string): Promise<Outcomes> =>
    request("POST", `/activities/${at(slug)}/outcomes`, { note }),
  subscribe: (slug: string, email: string, number: number): Promise<unknown> =>
    request("POST", `/activities/${at(slug)}/subscriptions`, { email, number }),
  confirmSubscription: (token: string): Promise<{ slug: string; title: string; number: number }> =>
    request("POST", "/subscriptions/confirm", { token }),
  cancelSubscription: (token: string): Promise<unknown> => request("POST", `/subscriptions/cancel/${at(token)}`, {}),
  feedUrl: (slug: string, number: number, form: "atom" | "rss"): string =>
    `/api/v1/activities/${at(slug)}/${number === 0 ? "outcomes" : `suggestions/${number}`}.${form}`,
  across: (): Promise<Across> => request("GET", "/across"),
  acrossUrl: "/api/v1/across.xlsx",
  adoptionReportUrl: (slug: string, format: DigestFormat): string => `/api/v1/activities/${at(slug)}/adoption-report?format=${format}`,
  digestUrl: (slug: string, format: DigestFormat): string => `/api/v1/activities/${at(slug)}/digest?format=${format}`,

  add: (input: NewActivity): Promise<Activity> => request("POST", "/activities", input),
  notice: (slug: string): Promise<NoticeHistory> => request("GET", `/activities/${at(slug)}/notice`),
  noticeDraft: (slug: string): Promise<NoticeDraft> => request("GET", `/activities/${at(slug)}/notice/draft`),
  publishNotice: (slug: string, input: NewNotice): Promise<Notice> =>
    request("POST", `/activities/${at(slug)}/notice`, input),
  noticeUrl: (slug: string, version: number): string =>
    `/api/v1/activities/${at(slug)}/notice/document?version=${version}`,
  files: async (slug: string): Promise<Attachment[]> =>
    (await request<{ files: Attachment[] }>("GET", `/activities/${at(slug)}/files`)).files,
  upload: (slug: string, purpose: FilePurpose, file: File, alt: string): Promise<Attachment> => {
    const query = new URLSearchParams({ purpose, name: file.name, alt });
    return request("POST", `/activities/${at(slug)}/files?${query.toString()}`, file, UPLOAD_PATIENCE);
  },
  removeFile: (slug: string, id: number): Promise<void> => request("DELETE", `/activities/${at(slug)}/files/${id}`),
  fileUrl: (slug: string, id: number): string => `/api/v1/activities/${at(slug)}/files/${id}`,
  materials: (slug: string): Promise<Materials> => request("GET", `/activities/${at(slug)}/materials`),
  /** Null before the first version. */
  materialsOrNone: (slug: string): Promise<Materials | null> =>
    request<Materials>("GET", `/activities/${at(slug)}/materials`).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }),
  materialUrl: (slug: string, id: number): string => `/api/v1/activities/${at(slug)}/materials/${id}`,
  publishMaterials: (slug: string, input: NewMaterials): Promise<Materials> =>
    request("POST", `/activities/${at(slug)}/materials`, input),
  column: (kind: ActivityKind): Promise<{ name: string; activities: ColumnEntry[] }> =>
    request("GET", `/columns/${kind}`),
  mediaUrl: (slug: string): string => `/api/v1/activities/${at(slug)}/media-kit`,
  codeUrl: (slug: string): string => `/api/v1/activities/${at(slug)}/qr.svg`,
  deadlines: (slug: string): Promise<Timetable> => request("GET", `/activities/${at(slug)}/deadlines`),
  history: async (slug: string): Promise<HistoryItem[]> =>
    (await request<{ history: HistoryItem[] }>("GET", `/activities/${at(slug)}/history`)).history,
  filings: async (): Promise<Filing[]> => (await request<{ filings: Filing[] }>("GET", "/filings")).filings,
  holidays: (): Promise<Holidays> => request("GET", "/holidays"),
  enterHolidays: (year: number, holidays: Holiday[]): Promise<Holidays> =>
    request("PUT", `/holidays/${year}`, { holidays }),
  assessment: (filters: AssessmentFilters): Promise<{ as_of: string; activities: AssessmentRow[] }> =>
    request("GET", `/assessment?${new URLSearchParams({ ...filters }).toString()}`),
  assessmentUrl: (format: "docx" | "xlsx", filters: AssessmentFilters): string =>
    `/api/v1/assessment.${format}?${new URLSearchParams({ ...filters }).toString()}`,
  /** Reads a plan's text; imports it where `confirm` is the digest of the reading that was seen. */
  plan: (file: File, confirm = ""): Promise<PlanReading> =>
    request("POST", confirm === "" ? "/plan" : `/plan?confirm=${confirm}`, file, UPLOAD_PATIENCE),
  reminders: (): Promise<ReminderSettings> => request("GET", "/reminders"),
  setReminders: (email: string | null): Promise<ReminderSettings> => request("PUT", "/reminders", { email }),
  calendarFeed: (): Promise<{ url: string; public_url: string }> => request("GET", "/calendar-feed"),

  accounts: async (): Promise<Account[]> => (await request<{ accounts: Account[] }>("GET", "/accounts")).accounts,
  createAccount: (input: NewAccount): Promise<{ account: Account; password?: string }> =>
    request("POST", "/accounts", input),
  changeAccount: (id: number, changes: AccountChanges): Promise<{ account: Account; password?: string }> =>
    request("PATCH", `/accounts/${id}`, changes),
  units: async (): Promise<Unit[]> => (await request<{ units: Unit[] }>("GET", "/units")).units,
};
