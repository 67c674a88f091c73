import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decodeQuery, type SignedRequest, verifyHubSpotV3 } from "#core/api/callers/hubspot-signature.ts";

const MINUTE_MS = 60_000;
const now = new Date(1_795_000_000_000);
const secret = "client-secret";

const signed = (over: Partial<SignedRequest> = {}, with_ = secret): SignedRequest => {
  const request = {
    method: "POST",
    uri: "https://app.example/v1/x?portalId=1",
    body: Buffer.from("{}"),
    timestamp: String(now.getTime()),
    ...over,
  };
  const signature = createHmac("sha256", with_)
    .update(request.method + request.uri)
    .update(request.body)
    .update(request.timestamp ?? "")
    .digest("base64");
  return { ...request, signature };
};

describe("a request is refused", () => {
  test.each<[string, string, SignedRequest, readonly string[]]>([
    ["without a signature", "unsigned", { ...signed(), signature: undefined }, [secret]],
    ["without a timestamp", "unsigned", { ...signed(), timestamp: undefined }, [secret]],
    ["signed with another secret", "wrong", signed({}, "other"), [secret]],
    ["when no secret is configured", "wrong", signed({}, ""), []],
    ["when the secret is empty", "wrong", signed({}, ""), [""]],
    ["with one byte of the body altered", "wrong", { ...signed(), body: Buffer.from("{ }") }, [secret]],
    ["with another method", "wrong", { ...signed(), method: "GET" }, [secret]],
    [
      "with another record in the address",
      "wrong",
      { ...signed(), uri: "https://app.example/v1/y?portalId=1" },
      [secret],
    ],
    [
      "with another portal in the query",
      "wrong",
      { ...signed(), uri: "https://app.example/v1/x?portalId=2" },
      [secret],
    ],
    ["with a signature of another length", "wrong", { ...signed(), signature: "AAAA" }, [secret]],
    ["with a timestamp that is no number", "wrong", signed({ timestamp: "1e13" }), [secret]],
    [
      "signed more than 5 minutes ago",
      "stale",
      signed({ timestamp: String(now.getTime() - 5 * MINUTE_MS - 1) }),
      [secret],
    ],
    ["signed in the future", "stale", signed({ timestamp: String(now.getTime() + 6 * MINUTE_MS) }), [secret]],
  ])("%s", (_, verdict, request, secrets) => {
    expect(verifyHubSpotV3(request, secrets, now)).toBe(verdict);
  });
});

describe("a request is accepted", () => {
  test("as HubSpot's helper signs it (vector of hubspot.md 3)", () => {
    const vector = {
      method: "POST",
      uri: "https://a.b/c",
      body: Buffer.from("{}"),
      timestamp: "1",
      signature: "WP/xKOCR0FJbDVZN5MkBDYRiXc0pUn49Mlrl1W2+zjc=",
    };

    expect(verifyHubSpotV3(vector, ["s"], new Date(1))).toBe("valid");
  });

  test("signed over the query with HubSpot's decoding", () => {
    const came = "https://a.b/c?userEmail=x%40y.com&z=a%20b%2Fc";

    expect(decodeQuery(came)).toBe("https://a.b/c?userEmail=x@y.com&z=a%20b/c");
    expect(verifyHubSpotV3({ ...signed({ uri: decodeQuery(came) }), uri: came }, [secret], now)).toBe("valid");
  });

  test("signed over the address as it came", () => {
    const uri = "https://a.b/c%3Ad?userEmail=x%40y.com";

    expect(verifyHubSpotV3(signed({ uri }), [secret], now)).toBe("valid");
    expect(decodeQuery(uri)).toBe("https://a.b/c%3Ad?userEmail=x@y.com");
  });

  test("with the older of two secrets during a rotation", () => {
    expect(verifyHubSpotV3(signed(), ["newer", secret], now)).toBe("valid");
  });
});
