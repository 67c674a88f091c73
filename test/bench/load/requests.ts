import { createHmac } from "node:crypto";

/** The whole request as it goes over the wire: head, signature of these very bytes, body. */
export function webhookRequest(body: string, appSecret: string): Buffer {
  const bytes = Buffer.from(body);
  const signature = createHmac("sha256", appSecret).update(bytes).digest("hex");
  const head = [
    "POST /webhooks/meta HTTP/1.1",
    "Host: 127.0.0.1",
    "User-Agent: facebookexternalua",
    "Content-Type: application/json",
    `Content-Length: ${bytes.length}`,
    `X-Hub-Signature-256: sha256=${signature}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}
