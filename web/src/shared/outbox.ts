import type { Challenge, EntryAcknowledgement, EntryState, SpeechKind } from "./protocol";

/** Something written and not yet acknowledged. It lives in the browser's storage until it is. */
export interface Letter {
  key: string;
  kind: SpeechKind;
  text: string;
  nickname: string;
  /** When it was written, in milliseconds. */
  at: number;
  /** Set when the service said no for good: the author decides what to do with the text. */
  refused: string | null;
  /** Not to be sent before this moment (milliseconds), after a refusal that passes. */
  notBefore: number;
  /** The code of that refusal: who waits should read why. */
  held?: string;
}

/** Where letters are kept; one record a letter, so that two tabs of one browser do not overwrite each other's. */
export interface LetterStore {
  load(): Letter[];
  save(letter: Letter): void;
  drop(key: string): void;
}

export interface OutboxEvents {
  /** Hands a letter over; rejects where no answer came. The same key may be handed over again. */
  send(letter: Letter): Promise<EntryAcknowledgement>;
  /** Solves the challenge that the service set before it takes this letter; false where that did not help. */
  prove(challenge: Challenge): Promise<boolean>;
  /** Asks the citizen to prove a phone; false where that was put off. */
  identify(): Promise<boolean>;
  accepted(letter: Letter, answer: { id: number; receipt: string; state: EntryState }): void;
  changed(letters: readonly Letter[]): void;
}

/** Refusals that pass by themselves. All others are final for the text as it is. */
const PASSING: ReadonlySet<string> = new Set(["rate_limited", "slow_mode", "unavailable"]);
const PAUSE_AFTER_SILENCE = 2_000;
const PAUSE_WHEN_UNAVAILABLE = 5;
/** Seconds over which those who come again after an outage spread, lest two thousand phones do so in one moment. */
const SPREAD = 2;

/**
 * Sends letters one after another in the order they were written, each until it is acknowledged.
 * A letter leaves the storage only when the service has it on disk, or the author takes it back.
 */
export class Outbox {
  private letters: Letter[];
  private online = false;
  private sending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: LetterStore,
    private readonly events: OutboxEvents,
    private readonly now: () => number = Date.now,
  ) {
    this.letters = store.load().sort((a, b) => a.at - b.at);
  }

  all(): readonly Letter[] {
    return this.letters;
  }

  add(letter: Pick<Letter, "key" | "kind" | "text" | "nickname">): void {
    const whole: Letter = { ...letter, at: this.now(), refused: null, notBefore: 0 };
    this.store.save(whole);
    this.letters = [...this.letters, whole];
    this.tell();
    void this.pump();
  }

  /** Gives a letter back to its author, for another try or for good. */
  takeBack(key: string): Letter | undefined {
    const letter = this.letters.find((item) => item.key === key);
    this.remove(key);
    return letter;
  }

  setOnline(online: boolean): void {
    this.online = online;
    if (online) void this.pump();
    else clearTimeout(this.timer);
  }

  stop(): void {
    this.setOnline(false);
  }

  private tell(): void {
    this.events.changed(this.letters);
  }

  private remove(key: string): void {
    this.store.drop(key);
    this.letters = this.letters.filter((item) => item.key !== key);
    this.tell();
  }

  private update(key: string, change: Partial<Letter>): void {
    this.letters = this.letters.map((item) => {
      if (item.key !== key) return item;
      const changed = { ...item, ...change };
      this.store.save(changed);
      return changed;
    });
    this.tell();
  }

  private wait(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.pump(), milliseconds);
  }

  private async pump(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      for (;;) {
        const letter = this.letters.find((item) => item.refused === null);
        if (letter === undefined || !this.online) return;
        const pause = letter.notBefore - this.now();
        if (pause > 0) return this.wait(pause);
        let answer: EntryAcknowledgement;
        try {
          answer = await this.events.send(letter);
        } catch {
          if (this.online) this.wait(PAUSE_AFTER_SILENCE);
          return;
        }
        if (!answer.ok && answer.error.code === "challenge" && answer.error.challenge !== undefined) {
          if (!(await this.events.prove(answer.error.challenge).catch(() => false))) {
            this.wait(PAUSE_AFTER_SILENCE);
            return;
          }
          continue;
        }
        if (!answer.ok && answer.error.code === "identity" && (await this.events.identify())) continue;
        this.settle(letter, answer);
      }
    } finally {
      this.sending = false;
    }
  }

  private settle(letter: Letter, answer: EntryAcknowledgement): void {
    if (answer.ok) {
      this.remove(letter.key);
      this.events.accepted(letter, answer);
    } else if (PASSING.has(answer.error.code)) {
      const { code, retry_after } = answer.error;
      const spread = code === "unavailable" ? Math.random() * SPREAD : 0;
      const seconds = Math.max(1, retry_after ?? PAUSE_WHEN_UNAVAILABLE) + spread;
      this.update(letter.key, { notBefore: this.now() + seconds * 1000, held: code });
    } else {
      this.update(letter.key, { refused: answer.error.message });
    }
  }
}
