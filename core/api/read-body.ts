import type { IncomingMessage } from "node:http";

/** Bytes that requests hold in memory together. */
export interface InFlight {
  bytes: number;
  readonly bytesMax: number;
}

export type ReadBody = { bytes: Buffer } | { problem: "too-large" | "too-much" | "gone" };

/**
 * Reads the raw bytes of a request, bounded by its own limit and by what all requests may hold together. The bytes are
 * counted in `flight` until the caller takes them off again; where there is a problem they are taken off here. A sender
 * that hangs up before its last byte is "gone"; after it, the request is whole.
 */
export function readBody(request: IncomingMessage, flight: InFlight, bytesMax: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const fail = (problem: "too-large" | "too-much" | "gone") => {
      request.off("data", onData).off("end", onEnd).off("close", onClose).resume();
      flight.bytes -= received;
      resolve({ problem });
    };
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      flight.bytes += chunk.length;
      chunks.push(chunk);
      if (received > bytesMax) fail("too-large");
      else if (flight.bytes > flight.bytesMax) fail("too-much");
    };
    const onEnd = () => {
      request.off("close", onClose);
      resolve({ bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
    };
    const onClose = () => fail("gone");
    // Without a listener a broken connection would be an uncaught error; "close" follows it and is what we act on.
    request.on("error", () => undefined);
    request.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}
