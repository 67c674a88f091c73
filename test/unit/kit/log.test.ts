import { expect, test } from "vitest";
import { Failure } from "#core/kit/failure.ts";
import { makeLog } from "#core/kit/log.ts";

test("secrets, phone numbers and message texts are redacted down to three levels", () => {
  const { log, lines } = listening();

  log.info(
    {
      authorization: "Bearer geheim",
      install: { accessToken: "geheim", refresh_token: "geheim", app: { clientSecret: "geheim" } },
      message: { wa_id: "geheim", text: "geheim", body: { text: "geheim" } },
      query: { code: "geheim", phone: "geheim" },
    },
    "asked",
  );

  expect(lines.join()).not.toContain("geheim");
  expect(lines.join()).toContain("[redacted]");
});

test("row values that pg puts beside its error's message are dropped", () => {
  const { log, lines } = listening();
  const error = Object.assign(new Error("duplicate key"), { code: "23505", detail: "Key (phone)=(+4915112345678)" });

  log.error({ err: new Failure("conflict", "person.twice", "Twice.", { cause: error }) }, "failed");

  expect(lines.join()).not.toContain("+4915112345678");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    err: { type: "Failure", reason: "person.twice", message: "Twice.", cause: { reason: "23505" } },
  });
});

test("a line is an event with its fields and an ISO time; levels below the chosen one are silent", () => {
  const { log, lines } = listening();

  log.debug("not seen");
  log.info({ installId: "ins_42" }, "status applied");

  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    installId: "ins_42",
    msg: "status applied",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  });
});

function listening() {
  const lines: string[] = [];
  return { lines, log: makeLog("info", { write: (line) => lines.push(line) }) };
}
