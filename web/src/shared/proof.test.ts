import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { solve, withProof } from "./proof";
import type { Acknowledgement } from "./protocol";

const SALT = "0a1b?expires=1900000000&";
const challenge = (number: number, maxnumber: number) => ({
  algorithm: "SHA-256",
  challenge: createHash("sha256").update(`${SALT}${number}`).digest("hex"),
  maxnumber,
  salt: SALT,
  signature: "signed",
});

it("finds the number behind the salt", async () => {
  const set = challenge(4_321, 5_000);
  expect(await solve(set)).toEqual({
    algorithm: "SHA-256",
    challenge: set.challenge,
    number: 4_321,
    salt: SALT,
    signature: "signed",
  });
});

it("gives up where no number fits", async () => {
  expect(await solve(challenge(200, 100))).toBeNull();
});

it("does the work that is asked for, once, and sends again", async () => {
  const asked: Acknowledgement<{ votes: number }> = {
    ok: false,
    error: { code: "challenge", message: "请稍候。", challenge: challenge(20, 100) },
  };
  const answers: Acknowledgement<{ votes: number }>[] = [asked, { ok: true, votes: 7 }];
  const proved: number[] = [];
  const prove = (proof: { number: number }): Promise<Acknowledgement<object>> => {
    proved.push(proof.number);
    return Promise.resolve({ ok: true });
  };
  expect(await withProof(() => Promise.resolve(answers.shift() ?? asked), prove)).toEqual({ ok: true, votes: 7 });
  expect(proved).toEqual([20]);
  expect(await withProof(() => Promise.resolve(asked), prove)).toEqual(asked);
  expect(proved).toEqual([20, 20]);
  const muted: Acknowledgement<{ votes: number }> = { ok: false, error: { code: "muted", message: "不能投票。" } };
  expect(await withProof(() => Promise.resolve(muted), prove)).toEqual(muted);
  expect(proved).toEqual([20, 20]);
});
