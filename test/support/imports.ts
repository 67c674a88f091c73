import path from "node:path";

export interface Import {
  from: string;
  /** Path from the root, of a file of ours. */
  to?: string;
  /** Name of a package, or `node:` module. */
  library?: string;
}

/** Each with the specifier as its first group. Static forms stand at the start of a line, so prose about imports is none. */
const FORMS = [
  /^\s*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']/gm,
  /^\s*import\s*["']([^"']+)["']/gm,
  /\b(?:import|require)\(\s*["'`]([^"'`$]+)["'`]\s*[,)]/g,
];

/** Every import of a source: static, for its effect, dynamic, of a type, and re-exports. */
export function importsOf(from: string, source: string): Import[] {
  return FORMS.flatMap((form) => [...source.matchAll(form)].map(([, specifier = ""]) => resolved(from, specifier)));
}

/** True when a source imports something that only shows when it runs. */
export function isComputedImport(source: string): boolean {
  return /\bawait import\(\s*(?!["'])/.test(source);
}

function resolved(from: string, specifier: string): Import {
  if (specifier.startsWith(".")) return { from, to: path.join(path.dirname(from), specifier) };
  if (specifier === "#main") return { from, to: "main.ts" };
  if (specifier.startsWith("#")) return { from, to: specifier.slice(1) };
  return { from, library: specifier };
}
