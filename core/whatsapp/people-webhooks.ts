import type { Fact, PreferenceFact } from "#core/domain/fact.ts";
import { naming, namingWith } from "./naming.ts";
import { given, moment, object, text, type Wire } from "./wire.ts";

/** `value.user_id_update[]`: the only place that prints the old and the new BSUID as fields (whatsapp.md 3.2). */
export function readUserIdUpdate(value: Wire, update: Wire, receivedAt: Date): Fact[] {
  const ids = object(update["user_id"]);
  const previous = naming({ ids: [ids["previous"]] }).bsuid;
  const current = naming({ ids: [ids["current"]] }).bsuid;
  if (previous === undefined || current === undefined)
    return [{ kind: "kept", field: "user_id_update", reason: "user id update without both ids", payload: update }];
  const at = moment(update["timestamp"], receivedAt);
  const person = { ...namingWith(value["contacts"], [current, update["wa_id"]]), bsuid: current };
  const evidence = `user_id_update ${previous}`;
  return [{ kind: "new-bsuid", previous, current, reason: "user-id-update", evidence, person, at }];
}

/**
 * `value.user_preferences[]`: a person stopped or resumed marketing inside WhatsApp. `resume` lifts only this stop;
 * it never grants what an opt-out elsewhere took (whatsapp.md 8).
 */
export function readPreference(value: Wire, preference: Wire, receivedAt: Date): Fact[] {
  const person = namingWith(value["contacts"], [preference["user_id"], preference["wa_id"]]);
  const word = text(preference["value"]);
  const state: PreferenceFact["state"] | undefined =
    word === "stop" ? "withdrawn" : word === "resume" || word === "signup" ? "granted" : undefined;
  if (state === undefined || (person.bsuid === undefined && person.phone === undefined))
    return [
      {
        kind: "kept",
        field: "user_preferences",
        reason: "preference that is neither stop nor resume",
        payload: preference,
      },
    ];
  const category = text(preference["category"]) ?? "";
  return [
    {
      kind: "preference",
      person,
      purpose: category === "marketing_messages" || category === "" ? "marketing" : category,
      state,
      source: "meta",
      at: moment(preference["timestamp"], receivedAt),
      evidence: given({ value: word, detail: text(preference["detail"]), signupId: text(preference["signup_id"]) }),
    },
  ];
}
