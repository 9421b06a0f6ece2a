import type { Scan, Scanned } from "../shared/places";

/** Where scans are kept until the service has them. */
export interface ScanStore {
  load(): Scan[];
  save(scans: readonly Scan[]): void;
}

export interface DoorEvents {
  send(scans: readonly Scan[]): Promise<{ results: Scanned[]; present: number }>;
  changed(waiting: readonly Scan[]): void;
  told(results: readonly Scanned[], present: number): void;
}

const MOST_AT_ONCE = 100;

/** Scans at the door: each is kept first and sent then; without a line they wait. A ticket waits once. */
export class Door {
  private waiting: Scan[];
  private sending = false;

  constructor(
    private readonly store: ScanStore,
    private readonly events: DoorEvents,
  ) {
    this.waiting = store.load();
  }

  all(): readonly Scan[] {
    return this.waiting;
  }

  add(scan: Scan): void {
    if (!this.waiting.some((other) => other.ticket === scan.ticket)) this.put([...this.waiting, scan]);
    void this.flush();
  }

  /** Sends what waits, oldest first, until nothing waits or the line is gone. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.waiting.length > 0) {
        const batch = this.waiting.slice(0, MOST_AT_ONCE);
        const { results, present } = await this.events.send(batch);
        const sent = new Set(batch.map((scan) => scan.ticket));
        this.put(this.waiting.filter((scan) => !sent.has(scan.ticket)));
        this.events.told(results, present);
      }
    } catch {
      // It stays here; the page tries again when there is a line.
    } finally {
      this.sending = false;
    }
  }

  private put(scans: Scan[]): void {
    this.waiting = scans;
    this.store.save(scans);
    this.events.changed(scans);
  }
}
