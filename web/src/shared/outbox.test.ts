import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox, type Letter, type LetterStore } from "./outbox";
import type { EntryAcknowledgement } from "./protocol";

/** A browser's storage that outlives the page. */
class Drawer implements LetterStore {
  readonly letters = new Map<string, Letter>();

  load(): Letter[] {
    return [...this.letters.values()];
  }

  save(letter: Letter): void {
    this.letters.set(letter.key, letter);
  }

  drop(key: string): void {
    this.letters.delete(key);
  }
}

const ok = (id: number): EntryAcknowledgement => ({ ok: true, id, receipt: `R${id}`, state: "shown" });
const no = (code: string, retry_after?: number): EntryAcknowledgement => ({
  ok: false,
  error: retry_after === undefined ? { code, message: code } : { code, message: code, retry_after },
});
const challenged = (salt: string): EntryAcknowledgement => ({
  ok: false,
  error: {
    code: "challenge",
    message: "challenge",
    challenge: { algorithm: "SHA-256", challenge: "", maxnumber: 1, salt, signature: "" },
  },
});

function open(drawer: Drawer, answers: (EntryAcknowledgement | "silence")[], identified: boolean[] = []) {
  const sent: string[] = [];
  const accepted: number[] = [];
  const outbox = new Outbox(drawer, {
    send(letter) {
      sent.push(letter.text);
      const answer = answers.shift() ?? "silence";
      return answer === "silence" ? Promise.reject(new Error("timeout")) : Promise.resolve(answer);
    },
    prove: (challenge) => Promise.resolve(challenge.salt === "solvable"),
    identify: () => Promise.resolve(identified.shift() ?? false),
    accepted: (_letter, { id }) => accepted.push(id),
    changed: () => undefined,
  });
  const write = (text: string): void => outbox.add({ key: `key-${text}`, kind: "comment", text, nickname: "" });
  return { outbox, sent, accepted, write };
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the outbox", () => {
  it("proves work where it is asked to, and sends the same letter again", async () => {
    const { outbox, sent, accepted, write } = open(new Drawer(), [challenged("solvable"), ok(1)]);
    outbox.setOnline(true);
    write("one");
    await settle();
    expect(sent).toEqual(["one", "one"]);
    expect(accepted).toEqual([1]);
  });

  it("sends a letter again once a phone is proved, and gives it back where that is put off", async () => {
    const { outbox, sent, accepted, write } = open(new Drawer(), [no("identity"), ok(1), no("identity")], [true, false]);
    outbox.setOnline(true);
    write("first");
    await settle();
    expect([sent, accepted]).toEqual([["first", "first"], [1]]);
    write("second");
    await settle();
    expect(outbox.all().map((letter) => [letter.text, letter.refused])).toEqual([["second", "identity"]]);
  });

  it("keeps a letter whose challenge was not solved, and tries again later", async () => {
    const { outbox, sent, accepted, write } = open(new Drawer(), [challenged("too hard"), ok(1)]);
    outbox.setOnline(true);
    write("one");
    await settle();
    expect(accepted).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toEqual(["one", "one"]);
    expect(accepted).toEqual([1]);
  });

  it("sends in the order of writing and forgets what is acknowledged", async () => {
    const drawer = new Drawer();
    const { outbox, sent, accepted, write } = open(drawer, [ok(1), ok(2)]);
    outbox.setOnline(true);
    write("one");
    write("two");
    await settle();
    expect(sent).toEqual(["one", "two"]);
    expect(accepted).toEqual([1, 2]);
    expect(drawer.letters.size).toBe(0);
  });

  it("keeps what is written without a line and sends it when the line is there", async () => {
    const drawer = new Drawer();
    const { outbox, sent, write } = open(drawer, [ok(1)]);
    write("one");
    await settle();
    expect(sent).toEqual([]);
    expect(drawer.letters.size).toBe(1);
    outbox.setOnline(true);
    await settle();
    expect(sent).toEqual(["one"]);
  });

  it("survives a reload, with the same key", async () => {
    const drawer = new Drawer();
    open(drawer, []).write("one");
    const reloaded = open(drawer, [ok(7)]);
    expect(reloaded.outbox.all().map((letter) => letter.key)).toEqual(["key-one"]);
    reloaded.outbox.setOnline(true);
    await settle();
    expect(reloaded.accepted).toEqual([7]);
    expect(drawer.letters.size).toBe(0);
  });

  it("sends again when no answer came, and nothing overtakes", async () => {
    const { outbox, sent, write } = open(new Drawer(), ["silence", ok(1), ok(2)]);
    outbox.setOnline(true);
    write("one");
    write("two");
    await settle();
    expect(sent).toEqual(["one"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toEqual(["one", "one", "two"]);
  });

  it("waits as long as the service asks, then sends by itself", async () => {
    const { outbox, sent, write } = open(new Drawer(), [no("rate_limited", 12), ok(1)]);
    outbox.setOnline(true);
    write("one");
    await settle();
    expect(outbox.all()[0]?.notBefore).toBe(Date.now() + 12_000);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(sent).toHaveLength(2);
    expect(outbox.all()).toEqual([]);
  });

  it("says that the service is coming back, and does not come again with everybody else at once", async () => {
    const { outbox, sent, write } = open(new Drawer(), [no("unavailable", 3), ok(1)]);
    outbox.setOnline(true);
    write("one");
    await settle();
    expect(outbox.all()[0]?.held).toBe("unavailable");
    await vi.advanceTimersByTimeAsync(2_900);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_200);
    expect(sent).toHaveLength(2);
  });

  it("keeps what is refused for good with the reason, and goes on with the rest", async () => {
    const drawer = new Drawer();
    const { outbox, accepted, write } = open(drawer, [no("not_live"), ok(2)]);
    outbox.setOnline(true);
    write("one");
    write("two");
    await settle();
    expect(outbox.all().map((letter) => letter.refused)).toEqual(["not_live"]);
    expect(accepted).toEqual([2]);
    expect(drawer.letters.get("key-one")?.refused).toBe("not_live");
  });

  it("gives a letter back to its author", () => {
    const drawer = new Drawer();
    const { outbox, write } = open(drawer, []);
    write("one");
    expect(outbox.takeBack("key-one")?.text).toBe("one");
    expect(outbox.all()).toEqual([]);
    expect(drawer.letters.size).toBe(0);
  });

  it("rests after it is stopped", async () => {
    const { outbox, sent, write } = open(new Drawer(), [no("unavailable"), ok(1)]);
    outbox.setOnline(true);
    write("one");
    await settle();
    outbox.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(1);
  });
});
