import { fork } from "node:child_process";
import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";

export interface IngestReference {
  port: number;
  stop(): void;
}

/** The bare server in a process of its own, on the same PostgreSQL. */
export function startIngestReference(connection: pg.PoolConfig, appSecret: string): Promise<IngestReference> {
  const child = fork(new URL("./reference/ingest.ts", import.meta.url), [JSON.stringify(connection), appSecret]);
  return new Promise((resolve, reject) => {
    child.once("message", (port) => resolve({ port: Number(port), stop: () => void child.kill() }));
    child.once("exit", () => reject(new Failure("unavailable", "bench.reference", "The reference server ended.")));
  });
}
