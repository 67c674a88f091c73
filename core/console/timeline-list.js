/**
 * Draws the items of a timeline, oldest first. Everything a person wrote is set as text, never as markup.
 * Items are kept by id: one that comes again replaces the one that is shown.
 */
export class TimelineList {
  #items = new Map();
  #place;
  #words;
  #document;

  constructor(place, words, document) {
    this.#place = place;
    this.#words = words;
    this.#document = document;
  }

  get size() {
    return this.#items.size;
  }

  /** Takes items that are new or changed, and forgets those that have become another. */
  take({ items, replaced }) {
    // A screen reader would read an unchanged list again.
    if (items.length === 0 && replaced.length === 0) return;
    for (const { id } of replaced) this.#items.delete(id);
    for (const item of items) this.#items.set(item.id, item);
    const shown = [...this.#items.values()].sort(byTime);
    this.#place.replaceChildren(...shown.map((item) => this.#draw(item)));
  }

  #draw(item) {
    const row = this.#element("li", item.direction);
    if (item.quoted) row.append(this.#text("div", "quoted", item.quoted.text ?? item.quoted.label));
    row.append(this.#text("div", "text", item.text ?? item.label));
    if (item.reactions.length > 0) {
      row.append(this.#text("div", "reactions", item.reactions.map(({ emoji }) => emoji).join(" ")));
    }
    const parts = [item.author.agent ? `${item.author.label} (${item.author.agent})` : item.author.label];
    parts.push(new Date(item.sentAt).toLocaleString(this.#words.language));
    if (item.isEdited) parts.push(this.#words["message.edited"]);
    if (item.tick) parts.push(`${ticks[item.tick.name] ?? ""} ${item.tick.label}`.trim());
    row.append(this.#text("div", "about", parts.join(" · ")));
    for (const told of [item.refusal, item.unlogged]) {
      if (told) row.append(this.#text("div", "refusal", `${told.title}. ${told.action}`));
    }
    return row;
  }

  #text(tag, name, text) {
    const element = this.#element(tag, name);
    element.textContent = text;
    element.setAttribute("dir", "auto");
    return element;
  }

  #element(tag, name) {
    const element = this.#document.createElement(tag);
    element.className = name;
    return element;
  }
}

const ticks = {
  waiting: "◷",
  accepted: "✓",
  sent: "✓",
  delivered: "✓✓",
  read: "✓✓",
  played: "✓✓",
  failed: "✕",
  refused: "✕",
};

function byTime(a, b) {
  return a.sentAt === b.sentAt ? compare(a.id, b.id) : compare(a.sentAt, b.sentAt);
}

function compare(a, b) {
  return a < b ? -1 : 1;
}
