import { z } from "zod";
import { secretKey } from "#core/kit/seal.ts";

export type ProcessRole = "web" | "worker";

const DASHBOARD = "Copy it from App settings > Basic in the Meta dashboard.";
const NEW_KEY = "Make one with: openssl rand -base64 32";

/** Meta repeats a delivery for up to seven days: kept one day more, a repetition is always recognised. */
const KEPT_DAYS_MIN = 8;
const KEPT_DAYS_MAX = 3650;

const items = (text: string) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** `why` says what cannot work without it, and where to get it. */
const needed = (why: string) => z.string({ error: `is not set: ${why}` });

const numberFrom = (min: number, max: number, unit: string) => {
  const error = `must be a number from ${min} to ${max}${unit}.`;
  return z.string().transform(Number).pipe(z.number({ error }).min(min, error).max(max, error));
};

const wholeNumberFrom = (min: number, max: number, unit: string) =>
  numberFrom(min, max, unit).refine(Number.isInteger, "must be a whole number.");

const addressOf = (text: z.ZodString) =>
  text
    .refine((value) => /^https?:\/\/[^\s/]/.test(value) && URL.canParse(value), {
      error: "is no address: write it like https://crm.example.com.",
    })
    .transform((value) => value.replace(/\/+$/, ""));

const keptDays = (fallback: number) =>
  wholeNumberFrom(KEPT_DAYS_MIN, KEPT_DAYS_MAX, " days: Meta repeats a delivery for up to seven").default(fallback);

export const SecretKeys = z
  .string()
  .transform(items)
  .refine((keys) => keys.length > 0, `holds no key. ${NEW_KEY}`)
  .refine((keys) => keys.every((key) => Buffer.from(key, "base64").length === 32), {
    error: `holds a key that is not 32 bytes in base64. ${NEW_KEY}`,
  })
  .transform((keys) => keys.map(secretKey));

const Roles = z
  .string()
  .transform(items)
  .pipe(z.array(z.enum(["web", "worker"], { error: "may only name web and worker, separated by a comma." })).min(1));

const AppSecrets = needed(`deliveries cannot be verified. ${DASHBOARD}`)
  .transform(items)
  .refine((secrets) => secrets.length === 1 || secrets.length === 2, {
    error: "takes one secret, or two separated by a comma while they are rotated.",
  });

const DatabaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, "is no address of PostgreSQL: write it like postgres://user:password@host/triveni.")
  .refine(
    (url) => !/[?&]options=/.test(url),
    `must not carry "options": Triveni sets the role of each connection with it.`,
  );

/** Every setting of this server, as text of the environment in which empty values count as absent. */
export const Settings = z
  .object({
    HOST: z.string().default("127.0.0.1"),
    PORT: wholeNumberFrom(0, 65_535, "").default(3000),
    PUBLIC_URL: addressOf(needed("Meta and the CRMs cannot reach this server. Set the https address that leads here.")),
    ROLES: Roles.default(["web", "worker"]),
    DATABASE_URL: DatabaseUrl.optional(),
    DATA_DIR: z.string().default(".triveni"),
    SECRET_KEYS: SecretKeys.default([]),
    META_APP_ID: needed(`businesses cannot be connected. ${DASHBOARD}`),
    META_APP_SECRET: AppSecrets,
    META_VERIFY_TOKEN: needed(
      "Meta's check of the webhook address cannot be answered. Choose a random text and enter it in the Meta dashboard, too.",
    ),
    META_GRAPH_URL: addressOf(z.string()).default("https://graph.facebook.com"),
    META_GRAPH_VERSION: z
      .string()
      .regex(/^v\d+\.\d+$/, "is no version: write it like v25.0.")
      .default("v25.0"),
    HUBSPOT_CLIENT_ID: z.string().optional(),
    HUBSPOT_CLIENT_SECRET: z.string().optional(),
    HUBSPOT_API_URL: addressOf(z.string()).default("https://api.hubapi.com"),
    DELIVERY_KEPT_DAYS: keptDays(30),
    UNROUTED_KEPT_DAYS: keptDays(8),
    SEND_SETTLE_MINUTES: numberFrom(0.01, 1440, " minutes").default(30),
    LOG_LEVEL: z
      .enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"], {
        error: "must be one of silent, fatal, error, warn, info, debug and trace.",
      })
      .default("info"),
  })
  // Always, also when another setting is wrong: every problem is told at once.
  .superRefine(requireTogether, { when: () => true });

export type Settings = z.infer<typeof Settings>;

interface Together {
  DATABASE_URL?: unknown;
  SECRET_KEYS?: unknown;
  HUBSPOT_CLIENT_ID?: unknown;
  HUBSPOT_CLIENT_SECRET?: unknown;
}

/** Settings that need one another. Values that were refused one by one may be of any kind here. */
function requireTogether(settings: Together, context: z.RefinementCtx): void {
  const tell = (name: keyof Together, why: string) =>
    context.addIssue({ code: "custom", path: [name], message: `is not set: ${why}` });

  const { DATABASE_URL: url, SECRET_KEYS: keys, HUBSPOT_CLIENT_ID: id, HUBSPOT_CLIENT_SECRET: secret } = settings;
  if (url !== undefined && Array.isArray(keys) && keys.length === 0) {
    tell("SECRET_KEYS", `tokens cannot be sealed in the database of DATABASE_URL. ${NEW_KEY}`);
  }
  const half = "Copy it from the app's Auth page in HubSpot, or empty both to turn HubSpot off.";
  if (id === undefined && secret !== undefined)
    tell("HUBSPOT_CLIENT_ID", `HUBSPOT_CLIENT_SECRET is of no use alone. ${half}`);
  if (id !== undefined && secret === undefined)
    tell("HUBSPOT_CLIENT_SECRET", `HUBSPOT_CLIENT_ID is of no use alone. ${half}`);
}
