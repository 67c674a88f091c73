import { expect, test } from "vitest";
import { isDataError, isTransient, sqlStateOf } from "#core/store/postgres-errors.ts";

test.for(["40001", "40P01", "08006", "57P01", "57P03", "53300"])("SQLSTATE %s is worth another try", (code) => {
  expect(isTransient(fromServer(code))).toBe(true);
  expect(isDataError(fromServer(code))).toBe(false);
});

test.for(["22021", "22P02", "22P05", "23505", "23514", "54000"])("SQLSTATE %s blames the data", (code) => {
  expect(isDataError(fromServer(code))).toBe(true);
  expect(isTransient(fromServer(code))).toBe(false);
});

test.for(["42501", "42P01", "57014", "XX000"])("SQLSTATE %s is neither: the code or the set-up is wrong", (code) => {
  expect(isTransient(fromServer(code))).toBe(false);
  expect(isDataError(fromServer(code))).toBe(false);
});

test.for(["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE"])("a socket that says %s is worth another try", (code) => {
  expect(isTransient(Object.assign(new Error("connect"), { code }))).toBe(true);
});

test("every address that was tried counts", () => {
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });

  expect(isTransient(new AggregateError([refused, refused]))).toBe(true);
  expect(isTransient(new AggregateError([]))).toBe(false);
});

test.for([
  "Connection terminated unexpectedly",
  "Connection terminated due to connection timeout",
  "Client has encountered a connection error and is not queryable",
  "timeout exceeded when trying to connect",
])("pg's own words %j are worth another try", (message) => {
  expect(isTransient(new Error(message))).toBe(true);
});

test("what is no error of PostgreSQL is neither", () => {
  for (const thrown of [new TypeError("x is undefined"), "text", undefined, { code: "40001" }]) {
    expect(isTransient(thrown)).toBe(false);
    expect(isDataError(thrown)).toBe(false);
    expect(sqlStateOf(thrown)).toBeUndefined();
  }
});

function fromServer(code: string): Error {
  return Object.assign(new Error("from the server"), { code, severity: "ERROR" });
}
