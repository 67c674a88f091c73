import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import { insertDeliveries, openWriter, type Writer } from "#core/store/deliveries.ts";

/** Bounds of one durable batch. */
const batchRowsMax = 500;
const batchBytesMax = 4 * 1024 * 1024;
/** Two, so that one slow fsync does not stall everybody; more only take batches from each other. */
const writersMax = 2;
const notifyEveryMs = 100;

interface Waiting {
  bytes: Uint8Array;
  done(error?: unknown): void;
}

export interface Receiver {
  /** Resolves when the bytes are on disk; only then may the webhook be answered 200 (I1). */
  record(bytes: Uint8Array): Promise<void>;
  /** Writes what waits, then closes its connections. */
  stop(): Promise<void>;
}

/**
 * Group commit: while one batch is being written, the next one gathers, so a burst costs few commits and a single
 * webhook waits for nobody. A batch that fails fails as a whole; its senders are told to come again.
 */
export function startReceiver(pool: pg.Pool, clock: Clock, onRecorded: () => void): Receiver {
  const waiting: Waiting[] = [];
  const idle: WriterConnection[] = Array.from({ length: writersMax }, () => new WriterConnection(pool));
  const busy = new Set<Promise<void>>();
  let lastNotifiedMs = Number.NEGATIVE_INFINITY;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || waiting.length === 0 || idle.length === 0) return;
    isScheduled = true;
    // One turn of the event loop fills the batch with what arrived in it.
    setImmediate(() => {
      isScheduled = false;
      const connection = waiting.length > 0 ? idle.pop() : undefined;
      if (!connection) return;
      const work = drain(connection).finally(() => {
        idle.push(connection);
        busy.delete(work);
        schedule();
      });
      busy.add(work);
      schedule();
    });
  }

  async function drain(connection: WriterConnection): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch(waiting);
      const nowMs = clock.monotonicMs();
      const notify = nowMs - lastNotifiedMs > notifyEveryMs;
      if (notify) lastNotifiedMs = nowMs;
      try {
        await connection.write(
          batch.map((one) => one.bytes),
          clock.now(),
          notify,
        );
        for (const one of batch) one.done();
        onRecorded();
      } catch (error) {
        for (const one of batch) one.done(error);
      }
    }
  }

  return {
    record: (bytes) =>
      new Promise((resolve, reject) => {
        waiting.push({ bytes, done: (error) => (error === undefined ? resolve() : reject(unavailable(error))) });
        schedule();
      }),
    async stop() {
      while (waiting.length > 0 || busy.size > 0) await Promise.allSettled([...busy, new Promise(setImmediate)]);
      for (const connection of idle) connection.close();
    },
  };
}

function takeBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  while (count < waiting.length && count < batchRowsMax) {
    bytes += waiting[count]?.bytes.length ?? 0;
    if (count > 0 && bytes > batchBytesMax) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

function unavailable(cause: unknown): Failure {
  const message = "The delivery could not be stored and was not acknowledged: send it again.";
  return new Failure("unavailable", "deliveries.not_stored", message, { cause, next: { retry: "later" } });
}

/**
 * A connection of its own, and with it a writer id. After any error both are given up: whether the batch became
 * durable is unknown then, and a later batch under the same id could overtake it.
 */
class WriterConnection {
  readonly #pool: pg.Pool;
  #client: pg.PoolClient | undefined;
  #writer: Writer | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async write(payloads: readonly Uint8Array[], receivedAt: Date, notify: boolean): Promise<void> {
    try {
      this.#client ??= await this.#pool.connect();
      this.#writer ??= await openWriter(this.#client);
      const firstId = this.#writer.nextDeliveryId;
      this.#writer.nextDeliveryId += payloads.length;
      await insertDeliveries(this.#client, firstId, receivedAt, payloads, notify);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    // Destroyed, not returned: the session holds the writer's lock.
    this.#client?.release(true);
    this.#client = undefined;
    this.#writer = undefined;
  }
}
