import { describe, expect, test } from "vitest";
import { failureWordsList } from "#core/domain/failure-words.ts";
import { en } from "#core/words/en.ts";
import { catalogues, isWordKey, languageOf, machineMade, words } from "#core/words/words.ts";

const keys = Object.keys(en).sort();
const gaps = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap).sort();

describe.each(Object.entries(catalogues))("the words in %s", (_, catalogue) => {
  test("have every key and no other", () => {
    expect(Object.keys(catalogue).sort()).toEqual(keys);
  });

  test("are never empty and have the same gaps as in English", () => {
    for (const [key, text] of Object.entries(catalogue)) {
      expect(text.trim(), key).not.toBe("");
      expect(gaps(text), key).toEqual(gaps(en[key as keyof typeof en]));
    }
  });
});

test("every refusal says what happened and what to do next", () => {
  for (const word of failureWordsList) {
    expect(isWordKey(`refusal.${word}.title`), word).toBe(true);
    expect(isWordKey(`refusal.${word}.action`), word).toBe(true);
  }
  const titles = keys.filter((key) => /^(refusal|problem|crm)\..*\.title$/.test(key));
  expect(titles.filter((key) => !isWordKey(key.replace(/title$/, "action")))).toEqual([]);
});

test("Spanish and Portuguese are marked as made by a machine", () => {
  expect([...machineMade]).toEqual(["es", "pt"]);
});

test("a parameter is filled in, and one that is missing stays visible", () => {
  expect(words("en", "window.open", { time: "10:15" })).toBe("You can reply until 10:15");
  expect(words("en", "window.open")).toBe("You can reply until {time}");
  expect(words("en", "window.open", { time: "$& {time}" })).toBe("You can reply until $& {time}");
});

test.each([
  [undefined, "en"],
  ["", "en"],
  ["xx,yy", "en"],
  ["hi-IN,en;q=0.8", "hi"],
  ["de;q=0.9,pt-BR;q=0.5", "pt"],
  ["en;q=0.1,fr;q=0.9", "fr"],
  ["__proto__", "en"],
])("the language of %j is %s", (preference, language) => {
  expect(languageOf(preference)).toBe(language);
});
