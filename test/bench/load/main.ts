// The load generator's process: signs its bodies once, then runs the rounds it is told to. See load.ts.
import { personOf } from "../data/people.ts";
import { seededRandom } from "../data/random.ts";
import { bodyOf, wamidOf, wordsOf } from "../data/webhook-bodies.ts";
import { webhookRequest } from "./requests.ts";
import { type RoundPlan, runRound } from "./round.ts";

const WORKSPACES = 300;
const TEXT_LENGTH = 420; // makes a body of about 1 KB

const [appSecret = "", count = "0"] = process.argv.slice(2);
const requests = makeRequests(Number(count));
let next = 0;

process.on("message", (plan: RoundPlan) => {
  runRound(plan, nextRequest).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

function nextRequest(): Uint8Array {
  next = (next + 1) % requests.length;
  return requests[next] as Uint8Array;
}

function makeRequests(length: number): Uint8Array[] {
  const random = seededRandom(1);
  const sentAt = new Date(Date.now() - 60_000);
  return Array.from({ length }, (_, at) => {
    const person = personOf(at % WORKSPACES, at);
    const text = wordsOf(random, TEXT_LENGTH);
    return webhookRequest(
      bodyOf({ kind: "text", person, wamid: wamidOf("in", person.phone, at), sentAt, text }),
      appSecret,
    );
  });
}
