import type { MessageContent } from "#core/domain/fact.ts";
import { tidy } from "./tidy.ts";
import { given, isObject, list, number, object, text, type Wire } from "./wire.ts";

export interface ReadContent {
  type: string;
  body?: string;
  content?: MessageContent;
  quotedWamid?: string;
}

type Reader = (object: Wire) => { body?: string | undefined; content?: MessageContent };

/** One reader for each type of whatsapp.md 4.3. A type without a reader is kept raw and shown by its name. */
const readers: Readonly<Record<string, Reader>> = {
  text: (it) => ({ body: text(it["body"]) }),
  image: media,
  video: media,
  audio: media,
  document: media,
  sticker: media,
  location: (it) => ({
    body: [text(it["name"]), text(it["address"])].filter(Boolean).join(", ") || undefined,
    content: {
      location: given({
        latitude: number(it["latitude"]),
        longitude: number(it["longitude"]),
        name: text(it["name"]),
        address: text(it["address"]),
        url: text(it["url"]),
      }),
    },
  }),
  button: (it) => ({ body: text(it["text"]), content: { button: given({ payload: text(it["payload"]) }) } }),
  interactive,
  order: (it) => ({ body: text(it["text"]), content: { order: it } }),
  system: (it) => ({
    body: text(it["body"]),
    content: {
      system: given({ type: text(it["type"]), phone: text(it["wa_id"]), bsuid: text(it["user_id"]) }),
    },
  }),
  request_welcome: () => ({}),
  media_placeholder: () => ({}),
  unsupported: (it) => ({ content: { unsupported: given({ type: text(it["type"]) }) } }),
};

/** Reads type, text and typed content of one message object, with what surrounds it. */
export function readContent(message: Wire): ReadContent {
  const type = text(message["type"]) ?? "unknown";
  const read = typed(type, message);
  const context = object(message["context"]);
  const content: MessageContent = {
    ...read.content,
    ...given<MessageContent>({
      referral: message["referral"],
      identityChange: message["identity"],
      product: context["referred_product"],
      errors: Array.isArray(message["errors"]) ? message["errors"] : undefined,
      forwarded: context["frequently_forwarded"] === true ? "many" : context["forwarded"] === true ? "once" : undefined,
    }),
  };
  return given<ReadContent>({
    type,
    body: read.body,
    content: Object.keys(content).length > 0 ? content : undefined,
    quotedWamid: text(context["id"]),
  });
}

function typed(type: string, message: Wire): { body?: string | undefined; content?: MessageContent } {
  if (type === "contacts") return contacts(message["contacts"]);
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader) return reader(object(message[type]));
  return Object.hasOwn(message, type) ? { content: { raw: message[type] } } : {};
}

function media(it: Wire): { body?: string | undefined; content: MessageContent } {
  return {
    body: text(it["caption"]),
    content: {
      media: given({
        id: text(it["id"]),
        mimeType: text(it["mime_type"]),
        sha256: text(it["sha256"]),
        filename: text(it["filename"]),
        url: text(it["url"]) ?? text(it["link"]),
        voice: it["voice"] === true ? true : undefined,
        animated: it["animated"] === true ? true : undefined,
      }),
    },
  };
}

function contacts(value: unknown): { body?: string | undefined; content: MessageContent } {
  const cards = list(value).slice(0, 257);
  const names = cards.map((card) => {
    const name = object(object(card)["name"]);
    return text(name["formatted_name"]) ?? text(name["first_name"]);
  });
  return { body: names.filter(Boolean).join(", ") || undefined, content: { contacts: cards } };
}

function interactive(it: Wire): { body?: string | undefined; content: MessageContent } {
  const kind = text(it["type"]) ?? "";
  const reply = it[kind];
  if (kind === "nfm_reply" && isObject(reply)) {
    const response = flowResponse(reply["response_json"]);
    return { body: text(reply["body"]), content: { flow: { ...given({ name: text(reply["name"]) }), response } } };
  }
  if ((kind === "button_reply" || kind === "list_reply") && isObject(reply)) {
    return {
      body: text(reply["title"]),
      content: {
        reply: given({
          id: text(reply["id"]),
          title: text(reply["title"]),
          description: text(reply["description"]),
        }),
      },
    };
  }
  return { body: text(object(it["body"])["text"]), content: { raw: it } };
}

/** `response_json` is a JSON text, and not always an object; what is not JSON is kept as the text it is. */
function flowResponse(value: unknown): unknown {
  if (typeof value !== "string") return value ?? null;
  try {
    const response: unknown = JSON.parse(value);
    return tidy(response, true) ? value : response;
  } catch {
    return value;
  }
}
