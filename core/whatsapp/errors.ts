import { type FailureWords, failureWords } from "#core/domain/failure-words.ts";
import type { NextTry } from "#core/kit/failure.ts";

/** What an error code of Meta means for us (whatsapp.md 5). `name` is public and never renamed. */
export interface ErrorMeaning {
  name: string;
  next: NextTry;
  /** Which words tell a person: `refusal.<words>.title` and `.action`. */
  words: FailureWords;
}

const never = (scope: NextTry["scope"]): NextTry => ({ retry: "never", ...(scope && { scope }) });
const later = (scope: NextTry["scope"]): NextTry => ({ retry: "later", ...(scope && { scope }) });
const after = (afterMs: number, scope: NextTry["scope"]): NextTry => ({
  retry: "after",
  afterMs,
  ...(scope && { scope }),
});
const say = (name: string, next: NextTry) => ({ name: `whatsapp.${name}`, next });

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const tokenInvalid = say("token_invalid", never("workspace"));
const permissionMissing = say("permission_missing", never("workspace"));
const temporary = say("temporary", later("message"));
const badParameter = say("bad_parameter", never("message"));
const restricted = say("account_restricted", never("workspace"));
const notRegistered = say("number_not_registered", never("number"));
const templateData = say("template_data", never("template"));

/** Every code we act on; the rest is `unlisted`. Meta: decide on the code, never on title or HTTP status. */
export const errorTable: Readonly<Record<number, Omit<ErrorMeaning, "words">>> = {
  0: tokenInvalid,
  190: tokenInvalid,
  3: permissionMissing,
  10: permissionMissing,
  131005: permissionMissing,
  1: temporary,
  2: temporary,
  131000: temporary,
  131016: temporary,
  133004: temporary,
  4: say("app_call_limit", after(MINUTE_MS, "workspace")),
  80007: say("waba_call_limit", after(MINUTE_MS, "workspace")),
  33: say("number_deleted", never("number")),
  100: badParameter,
  131008: badParameter,
  131009: badParameter,
  131051: badParameter,
  368: restricted,
  131031: restricted,
  130403: say("person_blocked", never("person")),
  130429: say("throughput_reached", later("number")),
  130472: say("marketing_experiment", never("message")),
  130497: say("country_not_allowed", never("person")),
  131021: say("recipient_is_sender", never("message")),
  131026: say("recipient_unreachable", never("person")),
  131030: say("recipient_not_in_test_list", never("person")),
  131037: say("number_without_name", never("number")),
  131042: say("payment_problem", never("workspace")),
  131045: notRegistered,
  133010: notRegistered,
  131047: say("window_closed", never("message")),
  131048: say("spam_limit", later("number")),
  131049: say("person_marketing_limit", after(DAY_MS, "person")),
  131050: say("person_stopped_marketing", never("person")),
  131052: say("media_download_failed", never("message")),
  131053: say("media_refused", never("message")),
  131055: say("marketing_templates_only", never("message")),
  134100: say("marketing_templates_only", never("message")),
  131056: say("pair_limit", later("person")),
  131057: say("number_in_maintenance", after(MINUTE_MS, "number")),
  131062: say("needs_phone", never("message")),
  131063: say("marketing_disabled", never("template")),
  131064: say("misclassified_templates", later("template")),
  132000: templateData,
  132012: templateData,
  132018: templateData,
  132001: say("template_missing", never("template")),
  132005: say("template_text_too_long", never("message")),
  132007: say("template_policy", never("template")),
  132015: say("template_paused", never("template")),
  132016: say("template_disabled", never("template")),
  132068: say("flow_blocked", never("template")),
  132069: say("flow_throttled", later("template")),
  134011: say("payment_terms_pending", never("workspace")),
  134101: say("template_syncing", after(600_000, "template")),
  134102: say("not_eligible_for_marketing_api", never("template")),
  135000: say("unknown_parameter", never("template")),
};

const unlisted = say("refused", never("message"));

export function meaningOf(code: number): ErrorMeaning {
  const words = failureWords(code);
  if (Object.hasOwn(errorTable, code)) return { ...(errorTable[code] ?? unlisted), words };
  return { ...(code >= 200 && code <= 299 ? permissionMissing : unlisted), words };
}

/** Limits that Meta checks before it takes a message: only these may be tried again by a machine under the same key (I4). */
const limitsBeforeTaking: ReadonlySet<number> = new Set([4, 80007, 130429, 131056, 131057]);

export function wasCertainlyNotTaken(code: number): boolean {
  return limitsBeforeTaking.has(code);
}

/**
 * True for trouble on Meta's side, told by its code or by a 5xx: it does not say whether the message was taken, so a
 * person must not be told to send it again (whatsapp.md 5, last line). A limit is a limit with any HTTP status.
 */
export function mayHaveActed(code: number, httpStatus: number): boolean {
  return !wasCertainlyNotTaken(code) && (httpStatus >= 500 || errorTable[code] === temporary);
}
