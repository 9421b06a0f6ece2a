import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { solve } from "./proof";

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
