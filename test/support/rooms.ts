/** The table of the house: which room may import which. A room is a folder, or a file at the root of one. */
interface Room {
  /** Other rooms that it may import; "*" for all but test. Its own files are always free. */
  may: readonly string[] | "*";
  /** The only libraries it may use. Absent: any, save those of `neverLibraries`. */
  onlyLibraries?: readonly string[];
  neverLibraries?: readonly string[];
}

const VENDOR_SDKS = ["@hubspot/api-client", "jsforce"];
const FLOOR_2 = ["core/crm", "core/whatsapp", "core/store", "core/media", "core/jobs"];
const CORE = [
  ...["core/kit", "core/words", "core/domain", ...FLOOR_2, "core/views", "core/usecases", "core/live"],
  ...["core/api", "core/api/contract", "core/app.ts", "core/http-server.ts", "core/workers.ts"],
];

const ROOMS: Record<string, Room> = {
  "core/kit": { may: [] },
  "core/words": { may: [] },
  "core/domain": { may: ["core/kit", "core/words"], onlyLibraries: ["zod"] },
  "core/crm": { may: ["core/domain", "core/kit"] },
  "core/whatsapp": { may: ["core/domain", "core/kit"] },
  "core/store": { may: ["core/domain", "core/kit", "core/crm"], neverLibraries: VENDOR_SDKS },
  "core/media": { may: ["core/domain", "core/kit"] },
  "core/jobs": { may: ["core/store", "core/domain", "core/kit"] },
  "core/usecases": {
    may: ["core/kit", "core/words", "core/domain", ...FLOOR_2],
    neverLibraries: ["express", ...VENDOR_SDKS],
  },
  "core/views": { may: ["core/store", "core/domain", "core/words", "core/kit", "core/api/contract"] },
  "core/api/contract": { may: [], onlyLibraries: ["zod"] },
  "core/api": {
    may: [
      "core/usecases",
      "core/views",
      "core/live",
      "core/api/contract",
      "core/crm",
      "core/domain",
      "core/words",
      "core/kit",
    ],
    neverLibraries: VENDOR_SDKS,
  },
  "core/live": {
    may: ["core/usecases", "core/views", "core/api/contract", "core/crm", "core/domain", "core/words", "core/kit"],
    neverLibraries: VENDOR_SDKS,
  },
  "core/console": { may: ["core/api/contract", "core/words"] },
  "core/settings.ts": { may: ["core/kit"] },
  "core/config.ts": { may: ["core/kit", "core/settings.ts"] },
  "core/commands": { may: [...CORE, "core/config.ts"] },
  "core/app.ts": { may: CORE },
  "core/http-server.ts": { may: CORE },
  "core/workers.ts": { may: CORE },
  "connectors/hubspot": { may: ["core/crm", "core/domain", "core/kit"], neverLibraries: ["pg", "jsforce"] },
  "main.ts": { may: [...CORE, "core/config.ts", "core/commands", "connectors/hubspot"] },
  test: { may: "*" },
};

/** The rooms that exist so far: each must have a file, and no file may lie elsewhere. Add a room here with its first file. */
export const ROOMS_BUILT = [
  ...["core/kit", "core/words", "core/domain", "core/crm", "core/whatsapp", "core/store", "core/jobs"],
  ...["core/views", "core/usecases", "core/api", "core/api/contract", "core/console", "core/commands"],
  ...[
    "core/settings.ts",
    "core/config.ts",
    "core/app.ts",
    "core/http-server.ts",
    "core/workers.ts",
    "connectors/hubspot",
    "main.ts",
    "test",
  ],
];

/** The innermost room that a file lies in. */
export function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS)
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .sort((one, other) => other.length - one.length)[0];
}

export function mayImport(from: string, to: string): boolean {
  const own = roomOf(from);
  const other = roomOf(to);
  if (own === undefined || other === undefined) return false;
  const may = ROOMS[own]?.may ?? [];
  return own === other || may === "*" || may.includes(other);
}

export function libraryProblem(from: string, library: string): string[] {
  const { onlyLibraries, neverLibraries = [] } = ROOMS[roomOf(from) ?? ""] ?? {};
  const isOf = (name: string) => library === name || library.startsWith(`${name}/`);
  const isRefused = neverLibraries.some(isOf) || (onlyLibraries !== undefined && !onlyLibraries.some(isOf));
  return isRefused ? [`${from} may not import ${library}`] : [];
}
