import type pg from "pg";

/**
 * A pool for a process that is killed at its `at`-th touch of the database: that touch and all later ones never come
 * about, timers included, as after kill -9. What was sent to a CRM before stays sent.
 */
export function killablePool(pool: pg.Pool, at: number): { pool: pg.Pool; killed: Promise<void>; touches(): number } {
  let touches = 0;
  let kill = () => {};
  const killed = new Promise<void>((resolve) => {
    kill = resolve;
  });
  const touch = <T>(work: () => Promise<T>): Promise<T> => {
    touches++;
    if (touches < at) return work();
    kill();
    return new Promise(() => {});
  };
  const mortal = {
    connect: () => touch(() => pool.connect()),
    query: (statement: pg.QueryConfig) => touch(() => pool.query(statement)),
  };
  return { pool: mortal as unknown as pg.Pool, killed, touches: () => touches };
}
