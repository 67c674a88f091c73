/**
 * One draft per conversation, kept across reloads with its idempotency key: sending it again after a lost answer is the
 * same message. A draft whose answer was lost may not be changed until it is known what became of it.
 */
export class Drafts {
  #storage;
  #newKey;

  constructor(storage, newKey) {
    this.#storage = storage;
    this.#newKey = newKey;
  }

  read(conversationId) {
    try {
      const draft = JSON.parse(this.#storage.getItem(nameOf(conversationId)) ?? "null");
      if (typeof draft?.key === "string" && typeof draft.text === "string") return draft;
    } catch {
      // A draft that does not read is no draft.
    }
    return { key: this.#newKey(), text: "", isUnderWay: false };
  }

  write(conversationId, draft) {
    this.#storage.setItem(nameOf(conversationId), JSON.stringify(draft));
  }

  drop(conversationId) {
    this.#storage.removeItem(nameOf(conversationId));
  }
}

function nameOf(conversationId) {
  return `triveni-draft:${conversationId}`;
}
