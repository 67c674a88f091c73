/** The form under the timeline: which conversation, the draft, the window, and what the server said to the last try. */
export class ReplyBox {
  #parts;
  #words;
  #drafts;
  #server;
  #conversations = new Map();
  #chosen;
  #draft;
  #isSending = false;
  #onSent;

  constructor({ parts, words, drafts, server, onSent }) {
    this.#parts = parts;
    this.#words = words;
    this.#drafts = drafts;
    this.#server = server;
    this.#onSent = onSent;
    parts.textLabel.textContent = words["page.reply"];
    parts.choiceLabel.textContent = words["page.conversation"];
    parts.send.textContent = words["page.send"];
    parts.text.addEventListener("input", () => this.#typed());
    parts.choice.addEventListener("change", () => this.#choose(parts.choice.value));
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
  }

  /** Newest state of the record's conversations; keeps the one that was chosen. */
  show(conversations, makeOption) {
    this.#conversations = new Map(conversations.map((conversation) => [conversation.id, conversation]));
    this.#parts.form.hidden = conversations.length === 0;
    const hasChoice = conversations.length > 1;
    this.#parts.choice.hidden = !hasChoice;
    this.#parts.choiceLabel.hidden = !hasChoice;
    this.#parts.choice.replaceChildren(...conversations.map((it) => makeOption(it.id, nameOf(it))));
    if (!this.#conversations.has(this.#chosen)) this.#choose(conversations[0]?.id);
    this.#parts.choice.value = this.#chosen ?? "";
    this.#showWindow();
  }

  /** What is being sent stays as it is until its answer came: `id` and `draft` are those of the moment of sending. */
  async send() {
    const conversation = this.#conversations.get(this.#chosen);
    if (!conversation || this.#draft.text.trim() === "" || this.#parts.send.disabled) return;
    const { id, seenThrough } = conversation;
    const draft = this.#draft;
    draft.isUnderWay = true;
    this.#drafts.write(id, draft);
    this.#isSending = true;
    this.#showDraft();
    const { key: idempotencyKey, text } = draft;
    const answer = await this.#server.reply(id, { idempotencyKey, text, seenThrough }, this.#words.language);
    this.#isSending = false;
    this.#keep(id, draft, answer);
    if (this.#chosen === id) this.#draft = this.#drafts.read(id);
    this.#showDraft();
    await this.#onSent();
  }

  #keep(id, draft, { status, body }) {
    if (status === 202) return this.#drafts.taken(id, draft);
    if (status === 0 || status >= 500) {
      // It may have arrived: the same key and text are tried again, and nothing else.
      return this.#drafts.write(id, { ...draft, said: this.#words["page.offline"] });
    }
    const told = body?.refusal ?? body ?? {};
    const said = [told.title, told.action].filter(Boolean).join(". ");
    // The key went out with another text, from another tab: this text needs one of its own, or it could never be sent.
    const key = body?.code === "reply.key_reused" ? this.#drafts.newKey() : draft.key;
    const isAnswered = body?.outcome === "answered-since";
    this.#drafts.write(id, { key, text: draft.text, isUnderWay: false, said, isAnswered });
  }

  #choose(id) {
    this.#chosen = id;
    if (id === undefined) return;
    this.#draft = this.#drafts.read(id);
    this.#showDraft();
  }

  #typed() {
    // What is under way is settled first, even where a keyboard writes into a field that is read-only.
    if (this.#draft.isUnderWay) return this.#showDraft();
    this.#draft.text = this.#parts.text.value;
    this.#drafts.write(this.#chosen, this.#draft);
  }

  #showDraft() {
    this.#parts.text.value = this.#draft.text;
    this.#parts.text.readOnly = this.#draft.isUnderWay === true;
    this.#parts.refusal.textContent = this.#isSending ? "" : (this.#draft.said ?? "");
    const label = this.#draft.isAnswered ? "page.send_anyway" : "page.send";
    this.#parts.send.textContent = this.#words[this.#isSending ? "page.sending" : label];
    this.#showWindow();
  }

  #showWindow() {
    const window = this.#conversations.get(this.#chosen)?.window;
    if (!window) return;
    const time = window.closesAt ?? window.closedAt;
    const key = window.isOpen ? "window.open" : time ? "window.expired" : "window.never-opened";
    const state = this.#words[key].replace("{time}", time ? new Date(time).toLocaleString(this.#words.language) : "");
    const wayOut = window.isOpen ? "" : `. ${this.#words["refusal.window_closed.action"]}`;
    this.#parts.window.textContent = state + wayOut;
    // A try whose answer was lost may always be asked for again: the server knows whether it was taken.
    this.#parts.send.disabled = this.#isSending || !(window.isOpen || this.#draft.isUnderWay);
  }
}

function nameOf({ person, number }) {
  return `${person.name ?? person.phone ?? person.username ?? person.id} → ${number}`;
}
