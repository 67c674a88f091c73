import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";

// The least a durable webhook can cost: bare node:http, HMAC over the raw bytes, group commit into a plain table.
// Started by ingest-process.ts with the database's connection and the secret; says its port.

const WRITERS_MAX = 2;
const BATCH_MAX = 500;

const [connection = "{}", appSecret = ""] = process.argv.slice(2);
const pool = new pg.Pool({ ...JSON.parse(connection), max: WRITERS_MAX });
await pool.query(`create table if not exists plain_delivery (
  id bigint generated always as identity, received_at timestamptz not null default now(), payload bytea not null)`);

const insert = {
  name: "insert",
  text: "insert into plain_delivery (payload) select unnest($1::bytea[])",
};
const record = groupCommit((batch) => pool.query({ ...insert, values: [batch] }));

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    const claimed = Buffer.from(String(request.headers["x-hub-signature-256"]).slice("sha256=".length), "hex");
    const digest = createHmac("sha256", appSecret).update(bytes).digest();
    const isMeta = claimed.length === digest.length && timingSafeEqual(claimed, digest);
    const answer = (status: number) => response.writeHead(status, { "content-length": 0 }).end();
    if (!isMeta) return answer(401);
    record(bytes).then(
      () => answer(200),
      () => answer(503),
    );
  });
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));

/** Many requests, one insert; a promise settles when its own row is on disk (recipes.md 7). */
function groupCommit(write: (batch: Buffer[]) => Promise<unknown>): (bytes: Buffer) => Promise<void> {
  const waiting: { bytes: Buffer; done(error?: unknown): void }[] = [];
  let writers = 0;

  async function drain(): Promise<void> {
    writers += 1;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH_MAX);
      try {
        await write(batch.map((one) => one.bytes));
        for (const one of batch) one.done();
      } catch (error) {
        for (const one of batch) one.done(error);
      }
    }
    writers -= 1;
  }

  return (bytes) =>
    new Promise((resolve, reject) => {
      waiting.push({ bytes, done: (error) => (error ? reject(error) : resolve()) });
      if (writers < WRITERS_MAX)
        setImmediate(() => {
          if (writers < WRITERS_MAX && waiting.length > 0) void drain();
        });
    });
}
