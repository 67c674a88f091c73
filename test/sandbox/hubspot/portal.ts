/** One HubSpot account of the simulator: what is stored in it, and how its admin has set it up. */
export interface Portal {
  hubId: number;
  refreshToken: string;
  accessTokens: Set<string>;
  /** The admin's required fields of a contact: creating one without them is a 400. */
  requiredProperties: string[];
  /** Whether our unique property exists. Nobody makes it yet, so an account has it only where a test says so. */
  hasWhatsappId: boolean;
  isUninstalled: boolean;
  contacts: StoredObject[];
  communications: StoredObject[];
  /** Arrival times of the last calls, for the sliding windows. */
  arrivals: number[];
  searches: number[];
}

export interface StoredObject {
  id: string;
  properties: Record<string, string>;
  createdAt: string;
  updatedAt: string;
  /** From when on the search shows it. */
  searchableAt: number;
  /** Contact ids of a communication. */
  associations: string[];
}

export interface PortalOptions {
  hubId: number;
  requiredProperties?: string[];
  hasWhatsappId?: boolean;
}

export function makePortal({ hubId, requiredProperties = [], hasWhatsappId = false }: PortalOptions): Portal {
  return {
    hubId,
    refreshToken: `refresh-${hubId}`,
    accessTokens: new Set(),
    requiredProperties,
    hasWhatsappId,
    isUninstalled: false,
    contacts: [],
    communications: [],
    arrivals: [],
    searches: [],
  };
}

let lastId = 500;

export function store(
  list: StoredObject[],
  properties: Record<string, string>,
  searchDelayMs: number,
  associations: string[] = [],
): StoredObject {
  const now = new Date();
  const stored = {
    id: String(++lastId),
    properties: { ...properties, createdate: now.toISOString() },
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
    searchableAt: now.getTime() + searchDelayMs,
    associations,
  };
  list.push(stored);
  return stored;
}

/** What HubSpot derives from a phone by itself: the national number for searching, and its reading of the whole. */
export function withCalculated(properties: Record<string, string>): Record<string, string> {
  const derived: Record<string, string> = {};
  for (const [name, kind] of [
    ["phone", "phone"],
    ["mobilephone", "mobile"],
  ] as const) {
    const digits = properties[name]?.replace(/\D/g, "");
    if (!digits) continue;
    derived[`hs_calculated_${kind}_number`] = properties[name]?.startsWith("+") ? `+${digits}` : digits;
    derived[`hs_searchable_calculated_${kind}_number`] = properties[name]?.startsWith("+") ? national(digits) : digits;
  }
  return { ...properties, ...derived };
}

function national(digits: string): string {
  const code = /^(1|7|55|52|54|91|44|49|39|34|33)/.exec(digits)?.[0] ?? digits.slice(0, 3);
  return digits.slice(code.length);
}
