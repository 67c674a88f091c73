import { Drafts } from "./drafts.js";
import { ReplyBox } from "./reply-box.js";
import { Server } from "./server.js";
import { TimelineList } from "./timeline-list.js";

const VISIBLE_MS = 3_000;
const HIDDEN_MS = 15_000;

/**
 * The page of one record: loads the newest messages, then asks for what changed. `browser` is the window, or what plays
 * it in a test. Returns `refresh` (ask now) and `stop`.
 */
export async function startRecordPage(browser) {
  const { document } = browser;
  const part = (id) => document.getElementById(id);
  const path = browser.location.pathname.replace(/^\/console\/record\//, "");
  const server = new Server((url, options) => browser.fetch(url, options));
  const words = await server.words(
    new URLSearchParams(browser.location.search).get("language") ?? browser.navigator.language,
  );
  if (!words) return undefined;
  document.documentElement.lang = words.language;
  document.title = words["page.title"];
  part("title").textContent = words["page.title"];
  part("older").textContent = words["page.older"];
  part("messages").setAttribute("aria-label", words["page.messages"]);
  part("status").textContent = words["page.loading"];
  if (!(await server.signedIn())) {
    part("status").textContent = words["page.sign_in"];
    return undefined;
  }

  const list = new TimelineList(part("messages"), words, document);
  const box = new ReplyBox({ parts: partsOfReply(part), words, server, onSent: refresh, drafts: draftsOf(browser) });
  let since;
  let before;
  let timer;

  async function refresh() {
    browser.clearTimeout(timer);
    const answer = await server.timeline(path, { language: words.language, ...(since === undefined ? {} : { since }) });
    show(answer);
    const waitMs = answer.body?.hasMore ? 0 : document.hidden ? HIDDEN_MS : VISIBLE_MS;
    timer = browser.setTimeout(refresh, waitMs);
  }

  async function older() {
    const answer = await server.timeline(path, { language: words.language, before });
    if (answer.status !== 200) return show(answer);
    before = answer.body.before ?? undefined;
    part("older").hidden = before === undefined;
    list.take(answer.body);
  }

  function show({ status, body }) {
    if (status === 200) {
      if (body.before !== undefined) before = body.before ?? undefined;
      part("older").hidden = before === undefined;
      since = body.since;
      list.take(body);
      box.show(body.conversations, (value, label) => optionOf(document, value, label));
      part("person").textContent = [
        ...new Set(body.conversations.map(({ person }) => person.name ?? person.phone)),
      ].join(", ");
      part("status").textContent = list.size === 0 ? words["page.empty"] : "";
    } else if (status === 0) part("status").textContent = words["page.offline"];
    else if (status === 401) part("status").textContent = words["page.sign_in"];
    else part("status").textContent = body?.title ? `${body.title}. ${body.action}` : words["page.error"];
  }

  async function leave() {
    const { status } = await server.leave();
    // A session that had ended by itself is left, too.
    if (status !== 204 && status !== 401) part("status").textContent = words["page.offline"];
    else browser.location.reload();
  }

  part("leave").textContent = words["page.sign_out"];
  part("leave").hidden = false;
  part("leave").addEventListener("click", leave);
  part("older").addEventListener("click", older);
  browser.addEventListener("online", refresh);
  await refresh();
  return { refresh, stop: () => browser.clearTimeout(timer) };
}

function partsOfReply(part) {
  return {
    form: part("reply"),
    text: part("text"),
    textLabel: part("text-label"),
    choice: part("choice"),
    choiceLabel: part("choice-label"),
    window: part("window"),
    refusal: part("refusal"),
    send: part("send"),
  };
}

function draftsOf(browser) {
  return new Drafts(browser.localStorage, () => browser.crypto.randomUUID());
}

function optionOf(document, value, label) {
  const option = document.createElement("option");
  option.value = value;
  option.textContent = label;
  return option;
}

if (typeof window !== "undefined") void startRecordPage(window);
