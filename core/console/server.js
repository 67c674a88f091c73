/** What the page asks the server. A missing answer is "offline"; a refusal carries its words. */
export class Server {
  #fetch;
  #csrf;

  constructor(fetch) {
    this.#fetch = fetch;
  }

  async words(language) {
    return (await this.#ask(`/console/words?language=${encodeURIComponent(language)}`)).body;
  }

  async signedIn() {
    const { status, body } = await this.#ask("/console/session");
    this.#csrf = body?.csrf;
    return status === 200;
  }

  leave() {
    return this.#ask("/console/leave", { method: "POST", headers: { "x-triveni-csrf": this.#csrf ?? "" } });
  }

  timeline(path, query) {
    return this.#ask(`/v1/records/${path}/timeline?${new URLSearchParams(query)}`);
  }

  reply(conversationId, body, language) {
    return this.#ask(`/v1/conversations/${conversationId}/replies?${new URLSearchParams({ language })}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-triveni-csrf": this.#csrf ?? "" },
      body: JSON.stringify(body),
    });
  }

  async #ask(url, options) {
    try {
      const response = await this.#fetch(url, { credentials: "same-origin", ...options });
      const isJson = /json/.test(response.headers.get("content-type") ?? "");
      return { status: response.status, body: isJson ? await response.json() : undefined };
    } catch {
      return { status: 0, body: undefined };
    }
  }
}
