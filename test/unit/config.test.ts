import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readConfig } from "#core/config.ts";
import { Settings } from "#core/settings.ts";

const enough = {
  PUBLIC_URL: "https://crm.example.com/",
  META_APP_ID: "123",
  META_APP_SECRET: "newest, older",
  META_VERIFY_TOKEN: "verify",
};

test("an empty environment is told every missing setting at once", () => {
  expect(() => readConfig({})).toThrow(
    [
      "4 settings are missing or wrong (.env.example explains each):",
      "- PUBLIC_URL is not set: Meta and the CRMs cannot reach this server. Set the https address that leads here.",
      "- META_APP_ID is not set: businesses cannot be connected. Copy it from App settings > Basic in the Meta dashboard.",
      "- META_APP_SECRET is not set: deliveries cannot be verified. Copy it from App settings > Basic in the Meta dashboard.",
      "- META_VERIFY_TOKEN is not set: Meta's check of the webhook address cannot be answered. Choose a random text and enter it in the Meta dashboard, too.",
    ].join("\n"),
  );
});

test.for(["", "  "])("a secret that is %j is empty, not absent", (secret) => {
  expect(() => readConfig({ ...enough, META_APP_SECRET: secret })).toThrow(
    "META_APP_SECRET is empty: deliveries cannot be verified. Copy it from App settings > Basic in the Meta dashboard.",
  );
});

test.for([
  [
    { META_APP_SECRET: "a,b,c" },
    "META_APP_SECRET takes one secret, or two separated by a comma while they are rotated.",
  ],
  [{ META_APP_SECRET: "," }, "META_APP_SECRET takes one secret, or two"],
  [{ PORT: "80x" }, "PORT must be a number from 0 to 65535."],
  [{ PORT: "8.5" }, "PORT must be a whole number."],
  [{ PUBLIC_URL: "crm.example.com" }, "PUBLIC_URL is no address: write it like https://crm.example.com."],
  [{ META_GRAPH_URL: "ftp://x" }, "META_GRAPH_URL is no address"],
  [{ META_GRAPH_VERSION: "25" }, "META_GRAPH_VERSION is no version: write it like v25.0."],
  [{ ROLES: "web,sender" }, "ROLES may only name web and worker, separated by a comma."],
  [{ DATABASE_URL: "mysql://x/y" }, "DATABASE_URL is no address of PostgreSQL"],
  [{ DATABASE_URL: "postgres://x/y?options=-c" }, 'DATABASE_URL must not carry "options"'],
  [
    { DATABASE_URL: "postgres://x/y" },
    "SECRET_KEYS is not set: tokens cannot be sealed in the database of DATABASE_URL.",
  ],
  [
    { SECRET_KEYS: "c2hvcnQ=" },
    "SECRET_KEYS holds a key that is not 32 bytes in base64. Make one with: openssl rand -base64 32",
  ],
  [{ SECRET_KEYS: "," }, "SECRET_KEYS holds no key."],
  [{ HUBSPOT_CLIENT_ID: "x" }, "HUBSPOT_CLIENT_SECRET is not set: HUBSPOT_CLIENT_ID is of no use alone."],
  [{ HUBSPOT_CLIENT_SECRET: "x" }, "HUBSPOT_CLIENT_ID is not set: HUBSPOT_CLIENT_SECRET is of no use alone."],
  [{ DELIVERY_KEPT_DAYS: "7" }, "DELIVERY_KEPT_DAYS must be a number from 8 to 3650 days"],
  [{ UNROUTED_KEPT_DAYS: "0" }, "UNROUTED_KEPT_DAYS must be a number from 8"],
  [{ SEND_SETTLE_MINUTES: "-1" }, "SEND_SETTLE_MINUTES must be a number from 0.01 to 1440 minutes."],
  [{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be one of silent"],
] as const)("%j is refused in words", ([wrong, words]) => {
  expect(() => readConfig({ ...enough, ...wrong })).toThrow(words);
});

test("settings that need one another are told in the same message as wrong ones", () => {
  const wrong = { ...enough, PORT: "x", LOG_LEVEL: "loud", HUBSPOT_CLIENT_ID: "x" };

  expect(() => readConfig(wrong)).toThrow(/^3 settings(.|\n)*PORT(.|\n)*LOG_LEVEL(.|\n)*HUBSPOT_CLIENT_SECRET/);
});

test("no value of a setting is repeated in the message, since it may be a secret", () => {
  const secret = "geheim";
  const wrong = { ...enough, SECRET_KEYS: secret, DATABASE_URL: secret, META_APP_SECRET: `${secret},b,c` };

  expect(() => readConfig(wrong)).toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) }));
});

test("with the four needed settings everything else has its default, and HubSpot is off", () => {
  expect(readConfig(enough)).toEqual({
    host: "127.0.0.1",
    port: 3000,
    publicUrl: "https://crm.example.com",
    roles: ["web", "worker"],
    dataDir: expect.stringMatching(/^\/.*\.triveni$/),
    secretKeys: [],
    meta: {
      appId: "123",
      appSecrets: ["newest", "older"],
      verifyToken: "verify",
      graphUrl: "https://graph.facebook.com",
      graphVersion: "v25.0",
    },
    deliveryKeptDays: 30,
    unroutedKeptDays: 8,
    sendSettleMs: 1_800_000,
    logLevel: "info",
  });
});

test("every setting can be given, and an empty one counts as absent", () => {
  const keys = [randomBytes(32), randomBytes(32)].map((key) => key.toString("base64"));

  const config = readConfig({
    ...enough,
    PORT: "",
    ROLES: "worker",
    DATABASE_URL: "postgresql://ann@db/triveni",
    SECRET_KEYS: keys.join(","),
    HUBSPOT_CLIENT_ID: "id",
    HUBSPOT_CLIENT_SECRET: "secret",
    SEND_SETTLE_MINUTES: "0.05",
  });

  expect(config).toMatchObject({
    port: 3000,
    roles: ["worker"],
    databaseUrl: "postgresql://ann@db/triveni",
    secretKeys: keys.map((key) => ({ key })),
    hubspot: { clientId: "id", clientSecret: "secret", apiUrl: "https://api.hubapi.com" },
    sendSettleMs: 3_000,
  });
});

test(".env.example names every setting, and nothing else", () => {
  const named = [...readFileSync(".env.example", "utf8").matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);

  expect(named.toSorted()).toEqual(Object.keys(Settings.shape).toSorted());
});
