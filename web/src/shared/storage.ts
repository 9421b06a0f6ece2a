/**
 * localStorage behind a fence: private windows and full disks make it throw, and then the page works without memory.
 */

const PREFIX = "minsheng.";
const forgetful = new Map<string, string>();

export function keep(name: string, value: unknown): void {
  const text = JSON.stringify(value);
  forgetful.set(name, text);
  try {
    window.localStorage.setItem(PREFIX + name, text);
  } catch {
    // It stays in memory until the page is left.
  }
}

export function recall<T>(name: string, fallback: T): T {
  let text: string | null = forgetful.get(name) ?? null;
  try {
    text = window.localStorage.getItem(PREFIX + name) ?? text;
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

export function forget(name: string): void {
  forgetful.delete(name);
  try {
    window.localStorage.removeItem(PREFIX + name);
  } catch {
    // Nothing was kept.
  }
}

/** The names kept under a prefix, in no particular order. */
export function names(prefix: string): string[] {
  const found = new Set<string>();
  for (const name of forgetful.keys()) if (name.startsWith(prefix)) found.add(name);
  try {
    for (let index = 0; index < window.localStorage.length; index += 1) {
      const name = window.localStorage.key(index);
      if (name?.startsWith(PREFIX + prefix)) found.add(name.slice(PREFIX.length));
    }
  } catch {
    // Memory has them all.
  }
  return [...found];
}

/** A random name that nobody guesses. `crypto.randomUUID` would need HTTPS, which a hall's network may not have. */
export function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The name by which the service knows this browser. */
export function deviceName(): string {
  const kept = recall<string>("device", "");
  if (kept.length >= 8) return kept;
  const made = randomName();
  keep("device", made);
  return made;
}
