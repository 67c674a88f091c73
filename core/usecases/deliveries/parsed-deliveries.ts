import { LRUCache } from "lru-cache";
import { type ReadDelivery, readDelivery } from "#core/whatsapp/delivery.ts";

const bytesMax = 32 * 1024 * 1024;
/** Beyond this share the router waits for the workers: what it parses now would be thrown away and parsed again. */
const fullShare = 0.5;

/**
 * What the router of this process has parsed and its workers will need a moment later. Only a shortcut: a miss is read
 * and parsed again. Deliveries belong to no workspace, so their id is the whole key.
 */
export class ParsedDeliveries {
  readonly #cache = new LRUCache<string, { read: ReadDelivery }>({ maxSize: bytesMax, ttl: 60_000 });

  parse(id: string, payload: Buffer): ReadDelivery {
    const read = readDelivery(payload);
    // Parsed JSON weighs several times its text.
    this.#cache.set(id, { read }, { size: 4 * payload.length + 200 });
    return read;
  }

  get(id: string): ReadDelivery | undefined {
    return this.#cache.get(id)?.read;
  }

  /** These are applied. A delivery of several lanes is parsed again for the next one, which is rare. */
  forget(ids: Iterable<string>): void {
    for (const id of ids) this.#cache.delete(id);
  }

  get isFull(): boolean {
    return this.#cache.calculatedSize > fullShare * bytesMax;
  }
}
