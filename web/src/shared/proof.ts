import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Acknowledgement, Challenge, Proof } from "./protocol";

/** Numbers tried before the page gets a turn to draw and to listen. */
const AT_ONCE = 2_000;

/**
 * The number whose SHA-256 behind the salt is the challenge (ALTCHA, version 1); null where there is none.
 * Not by WebCrypto: that is missing on pages that came over plain HTTP.
 */
export async function solve(challenge: Challenge): Promise<Proof | null> {
  const { algorithm, salt, signature } = challenge;
  if (algorithm !== "SHA-256") return null;
  const head = sha256.create().update(utf8ToBytes(salt));
  for (let number = 0; number <= challenge.maxnumber; number += 1) {
    const digest = head.clone().update(utf8ToBytes(String(number))).digest();
    if (bytesToHex(digest) === challenge.challenge) {
      return { algorithm, challenge: challenge.challenge, number, salt, signature };
    }
    if (number % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return null;
}

/** Sends, and where the service asks for work first does that and sends once more. Returns the last answer. */
export async function withProof<T>(
  send: () => Promise<Acknowledgement<T>>,
  prove: (proof: Proof) => Promise<Acknowledgement<object>>,
): Promise<Acknowledgement<T>> {
  const answer = await send();
  if (answer.ok || answer.error.code !== "challenge" || answer.error.challenge === undefined) return answer;
  const proof = await solve(answer.error.challenge);
  return proof !== null && (await prove(proof)).ok ? send() : answer;
}
