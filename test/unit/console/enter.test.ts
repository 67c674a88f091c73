import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

test("the token leaves the address bar as soon as the page has it", async () => {
  const field = { value: "" };
  const addresses: string[] = [];
  vi.stubGlobal("document", { getElementById: (id: string) => (id === "token" ? field : null) });
  vi.stubGlobal("location", { hash: "#secret-1", pathname: "/console/enter", search: "?language=hi" });
  vi.stubGlobal("history", { replaceState: (_: unknown, __: string, address: string) => addresses.push(address) });

  await import(new URL("../../../core/console/enter.js", import.meta.url).href);

  expect(field.value).toBe("secret-1");
  expect(addresses).toEqual(["/console/enter?language=hi"]);
});
