import { connect, type Socket } from "node:net";

const STATUS_AT = "HTTP/1.1 ".length;

/**
 * One keep-alive connection that posts ready-made requests, one at a time. It reads of an answer only the three digits
 * of its status, because every microsecond spent here is taken from the server that shares the cores.
 */
export class Connection {
  readonly #socket: Socket;

  /** `onAnswer` gets the status; 0 when the connection broke. */
  constructor(port: number, onAnswer: (status: number) => void) {
    const answer = (bytes: number, buffer: Uint8Array): boolean => {
      // An answer to these requests is one packet: its head, and at most a sentence.
      onAnswer(bytes < STATUS_AT + 3 ? 0 : statusOf(buffer));
      return true;
    };
    this.#socket = connect({ port, host: "127.0.0.1", onread: { buffer: Buffer.alloc(4096), callback: answer } });
    this.#socket.setNoDelay(true);
    this.#socket.on("error", () => onAnswer(0));
  }

  send(request: Uint8Array): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }
}

function statusOf(answer: Uint8Array): number {
  const digit = (at: number) => (answer[STATUS_AT + at] as number) - 48;
  return 100 * digit(0) + 10 * digit(1) + digit(2);
}
