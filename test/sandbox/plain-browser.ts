/** Just enough of a browser to run the plain page in Node: a tree of elements with text, and the server behind `fetch`. */
export class PlainElement {
  readonly tag: string;
  className = "";
  value = "";
  hidden = false;
  disabled = false;
  readOnly = false;
  lang = "";
  readonly #listeners = new Map<string, (event: { preventDefault(): void }) => unknown>();
  #children: PlainElement[] = [];
  #text = "";

  constructor(tag: string) {
    this.tag = tag;
  }

  /** As a person reads it: hidden parts are left out. */
  get textContent(): string {
    if (this.hidden) return "";
    return this.#text + this.#children.map((child) => child.textContent).join("\n");
  }

  set textContent(text: string) {
    this.#children = [];
    this.#text = text;
  }

  append(...children: PlainElement[]): void {
    this.#children.push(...children);
  }

  replaceChildren(...children: PlainElement[]): void {
    this.#text = "";
    this.#children = children;
  }

  setAttribute(): void {}

  addEventListener(name: string, listener: (event: { preventDefault(): void }) => unknown): void {
    this.#listeners.set(name, listener);
  }

  /** What a person does to it. */
  async fire(name: string): Promise<void> {
    await this.#listeners.get(name)?.({ preventDefault() {} });
  }
}

export interface PlainBrowser {
  element(id: string): PlainElement;
  /** All that is shown. */
  text(): string;
  storage: Map<string, string>;
  window: object;
}

/** A browser with a cookie at one address of a server. */
export function plainBrowser(address: string, cookie: string, storage: Map<string, string> = new Map()): PlainBrowser {
  const url = new URL(address);
  const elements = new Map<string, PlainElement>();
  const element = (id: string) => {
    const known = elements.get(id) ?? new PlainElement(id);
    elements.set(id, known);
    return known;
  };
  const window = {
    document: {
      documentElement: new PlainElement("html"),
      getElementById: element,
      createElement: (tag: string) => new PlainElement(tag),
      hidden: false,
      title: "",
    },
    location: { pathname: url.pathname, search: url.search },
    navigator: { language: "en" },
    crypto: globalThis.crypto,
    fetch: (path: string, options: RequestInit = {}) =>
      fetch(new URL(path, url), { ...options, headers: { ...(options.headers as Record<string, string>), cookie } }),
    localStorage: {
      getItem: (name: string) => storage.get(name) ?? null,
      setItem: (name: string, value: string) => void storage.set(name, value),
      removeItem: (name: string) => void storage.delete(name),
    },
    setTimeout: () => 0,
    clearTimeout: () => undefined,
    addEventListener: () => undefined,
  };
  return { element, text: () => [...elements.values()].map((one) => one.textContent).join("\n"), storage, window };
}

interface RecordPage {
  refresh(): Promise<void>;
  stop(): void;
}

/** Runs the real script of the page; undefined when it asks to sign in. */
export async function openRecordPage(browser: PlainBrowser): Promise<RecordPage | undefined> {
  // The path is not a literal: the page is JavaScript for browsers, outside of what tsc checks.
  const script = new URL("../../core/console/record.js", import.meta.url).href;
  const page: { startRecordPage(window: object): Promise<RecordPage | undefined> } = await import(script);
  return page.startRecordPage(browser.window);
}
