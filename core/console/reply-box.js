/** The form under the timeline: which conversation, the draft, the window, and what the server said to the last try. */
export class ReplyBox {
  #parts;
  #words;
  #drafts;
  #server;
  #conversations = new Map();
  #chosen;
  #draft;
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

  async send() {
    const conversation = this.#conversations.get(this.#chosen);
    if (!conversation || this.#draft.text.trim() === "" || this.#parts.send.disabled) return;
    this.#parts.send.disabled = true;
    this.#parts.send.textContent = this.#words["page.sending"];
    this.#draft.isUnderWay = true;
    this.#drafts.write(conversation.id, this.#draft);
    const { key: idempotencyKey, text } = this.#draft;
    const { seenThrough, id } = conversation;
    this.#heard(id, await this.#server.reply(id, { idempotencyKey, text, seenThrough }, this.#words.language));
    await this.#onSent();
  }

  #heard(id, { status, body }) {
    let label = "page.send";
    if (status === 202) {
      this.#drafts.drop(id);
      this.#draft = this.#drafts.read(id);
      this.#parts.refusal.textContent = "";
    } else if (status === 0 || status >= 500) {
      // It may have arrived: the same key and text are tried again, and nothing else.
      this.#parts.refusal.textContent = this.#words["page.offline"];
    } else {
      this.#draft.isUnderWay = false;
      this.#drafts.write(id, this.#draft);
      const told = body?.refusal ?? body ?? {};
      this.#parts.refusal.textContent = [told.title, told.action].filter(Boolean).join(". ");
      if (body?.outcome === "answered-since") label = "page.send_anyway";
    }
    this.#showDraft();
    this.#parts.send.textContent = this.#words[label];
    this.#showWindow();
  }

  #choose(id) {
    this.#chosen = id;
    if (id === undefined) return;
    this.#draft = this.#drafts.read(id);
    this.#parts.refusal.textContent = "";
    this.#showDraft();
    this.#showWindow();
  }

  #typed() {
    this.#draft.text = this.#parts.text.value;
    this.#drafts.write(this.#chosen, this.#draft);
  }

  #showDraft() {
    this.#parts.text.value = this.#draft.text;
    this.#parts.text.readOnly = this.#draft.isUnderWay === true;
  }

  #showWindow() {
    const window = this.#conversations.get(this.#chosen)?.window;
    if (!window) return;
    const time = window.closesAt ?? window.closedAt;
    const key = window.isOpen ? "window.open" : time ? "window.expired" : "window.never-opened";
    const state = this.#words[key].replace("{time}", time ? new Date(time).toLocaleString(this.#words.language) : "");
    const wayOut = window.isOpen ? "" : `. ${this.#words["refusal.window_closed.action"]}`;
    this.#parts.window.textContent = state + wayOut;
    this.#parts.send.disabled = !window.isOpen;
  }
}

function nameOf({ person, number }) {
  return `${person.name ?? person.phone ?? person.username ?? person.id} → ${number}`;
}
