/**
 * One draft per conversation, kept across reloads with its idempotency key: sending it again after a lost answer is the
 * same message. A draft whose answer was lost may not be changed until it is known what became of it. `said` is what
 * the server answered to the last try.
 */
export class Drafts {
  #storage;
  /** Makes a key that no draft has had. */
  newKey;

  constructor(storage, newKey) {
    this.#storage = storage;
    this.newKey = newKey;
  }

  read(conversationId) {
    try {
      const draft = JSON.parse(this.#storage.getItem(nameOf(conversationId)) ?? "null");
      if (typeof draft?.key === "string" && typeof draft.text === "string") return draft;
    } catch {
      // A draft that does not read is no draft.
    }
    return { key: this.newKey(), text: "", isUnderWay: false };
  }

  write(conversationId, draft) {
    this.#storage.setItem(nameOf(conversationId), JSON.stringify(draft));
  }

  /** The server has it. What another tab made of the same draft meanwhile stays, as a message of its own. */
  taken(conversationId, { key, text }) {
    const now = this.read(conversationId);
    if (now.text === text) this.#storage.removeItem(nameOf(conversationId));
    else if (now.key === key) this.write(conversationId, { key: this.newKey(), text: now.text, isUnderWay: false });
  }
}

function nameOf(conversationId) {
  return `triveni-draft:${conversationId}`;
}
