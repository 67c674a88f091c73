/** Why a message was not delivered, as a person is told it: `refusal.<word>.title` and `.action` in the words. */
export const failureWordsList = [
  "reconnect",
  "permission_missing",
  "meta_busy",
  "meta_trouble",
  "bad_message",
  "account_restricted",
  "person_blocked",
  "person_unreachable",
  "country_not_allowed",
  "payment_problem",
  "number_not_registered",
  "window_closed",
  "spam_limit",
  "person_limit",
  "person_stopped",
  "pair_limit",
  "template_problem",
  "media_problem",
  "other",
] as const;

export type FailureWords = (typeof failureWordsList)[number];

/** By Meta's error code (whatsapp.md 5), which comes in an answer or, later, in a status: same code, same meaning. */
const byCode: Readonly<Record<Exclude<FailureWords, "other">, readonly number[]>> = {
  reconnect: [0, 190],
  permission_missing: [3, 10, 131005],
  meta_busy: [4, 80007, 130429, 131057, 132069],
  meta_trouble: [1, 2, 131000, 131016, 133004],
  bad_message: [100, 131008, 131009, 131021, 131051],
  account_restricted: [368, 131031],
  person_blocked: [130403],
  person_unreachable: [131026, 131030, 131062],
  country_not_allowed: [130497],
  payment_problem: [131042, 134011],
  number_not_registered: [33, 131037, 131045, 133010],
  window_closed: [131047],
  spam_limit: [131048],
  person_limit: [130472, 131049],
  person_stopped: [131050],
  pair_limit: [131056],
  template_problem: [
    131055, 131063, 131064, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 134100, 134101,
    134102, 135000,
  ],
  media_problem: [131052, 131053],
};

const words = new Map<number, FailureWords>(
  Object.entries(byCode).flatMap(([word, codes]) => codes.map((code) => [code, word as FailureWords] as const)),
);

export function failureWords(code: number): FailureWords {
  if (code >= 200 && code <= 299) return "permission_missing";
  return words.get(code) ?? "other";
}
