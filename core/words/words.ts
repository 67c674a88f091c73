import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import { hi } from "./hi.ts";
import { pt } from "./pt.ts";

export type WordKey = keyof typeof en;
export type Catalogue = Readonly<Record<WordKey, string>>;
export type Language = keyof typeof catalogues;

export const catalogues = { en, hi, fr, es, pt } satisfies Record<string, Catalogue>;

/** Translated by a machine and not yet read by a person. */
export const machineMade: ReadonlySet<Language> = new Set(["es", "pt"]);

/** What a person reads. A parameter that is not given stays visible as `{name}`: a gap is better seen than hidden. */
export function words(language: Language, key: WordKey, params: Readonly<Record<string, string>> = {}): string {
  const text: string = catalogues[language][key];
  return text.replace(/\{(\w+)\}/g, (gap, name: string) => (Object.hasOwn(params, name) ? (params[name] ?? gap) : gap));
}

export function isWordKey(text: string): text is WordKey {
  return Object.hasOwn(en, text);
}

/** The first language of an `Accept-Language` header (or a bare tag such as `pt-BR`) that we have; else English. */
export function languageOf(preference: string | undefined): Language {
  const wanted = (preference ?? "")
    .slice(0, 200)
    .split(",")
    .map((part) => {
      const [tag = "", quality = "q=1"] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      return { language: tag.split("-")[0] ?? "", weight: Number(quality.replace(/^q=/, "")) || 0 };
    })
    .sort((a, b) => b.weight - a.weight);
  return wanted.map(({ language }) => language).find(isLanguage) ?? "en";
}

function isLanguage(text: string): text is Language {
  return Object.hasOwn(catalogues, text);
}
