import { LRUCache } from "lru-cache";
import { type ReadDelivery, readDelivery } from "#core/whatsapp/delivery.ts";

const bytesMax = 16 * 1024 * 1024;

/**
 * What the router of this process has parsed and its workers will need a moment later. Only a shortcut: a miss is read
 * and parsed again. Deliveries belong to no workspace, so their id is the whole key.
 */
export class ParsedDeliveries {
  readonly #cache = new LRUCache<string, { read: ReadDelivery }>({
    maxSize: bytesMax,
    ttl: 60_000,
    ttlAutopurge: false,
  });

  parse(id: string, payload: Buffer): ReadDelivery {
    const read = readDelivery(payload);
    // Parsed JSON weighs several times its text.
    this.#cache.set(id, { read }, { size: 4 * payload.length + 200 });
    return read;
  }

  get(id: string): ReadDelivery | undefined {
    return this.#cache.get(id)?.read;
  }
}
