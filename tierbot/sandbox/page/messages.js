// The message list: each message is a node that is replaced individually when it changes, with its reaction pills.
import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { $, h, safeUrl, toast, tooltip } from "./dom.js";
import { glyph } from "./emoji.js";
import { openMenu } from "./menu.js";
import { openPicker } from "./picker.js";
import { avatar, state, userName } from "./state.js";
import { clock, mrkdwn } from "./text.js";
import { openViews } from "./views.js";

const list = () => $("messages");
export const nodeOf = (ts) => list().querySelector(`.message[data-ts="${ts}"]`);
const nearBottom = () => list().scrollHeight - list().scrollTop - list().clientHeight < 120;

let pinned = true; // whether to keep the end in view; only scrolling up turns this off
let lastTop = 0;

function toEnd() {
  pinned = true;
  list().scrollTop = list().scrollHeight;
}

// A message's height is an estimate until it has been in view; after that, pills, pictures and edits change it.
const heights = new ResizeObserver(() => { if (pinned) toEnd(); });

function scrolled() {
  const top = list().scrollTop;
  if (nearBottom()) pinned = true;
  else if (top < lastTop) pinned = false;
  lastTop = top;
  if (pinned) $("to-bottom").hidden = true;
}

/** Draws a whole conversation, scrolled to the newest message. */
export function drawAll(items) {
  const nodes = [];
  let previous = null;
  for (const item of items) {
    const day = dayLine(previous, item);
    if (day) nodes.push(day);
    nodes.push(message(item, previous));
    previous = item;
  }
  list().replaceChildren(...nodes);
  toEnd();
  $("to-bottom").hidden = true;
}

export function drawEmpty(title, text) {
  list().replaceChildren(h("div.empty", {}, h("strong", {}, title), text));
}

/** Adds a message at the end (or a reply below its parent) and keeps the end in view if it was. */
export function append(item) {
  const stick = pinned || item.user === state.me;
  list().querySelector(".empty")?.remove();
  if (item.thread_ts && item.thread_ts !== item.ts && nodeOf(item.thread_ts)) {
    const siblings = [...list().querySelectorAll(`.message[data-thread="${item.thread_ts}"]`)];
    (siblings.at(-1) ?? nodeOf(item.thread_ts)).after(message(item, null));
  } else {
    const last = list().lastElementChild?.dataset?.ts;
    const previous = last ? find(last) : null;
    const day = dayLine(previous, item);
    if (day) list().append(day);
    list().append(message(item, previous));
  }
  if (stick) toEnd();
  else $("to-bottom").hidden = false;
}

export function redraw(item) {
  const node = nodeOf(item.ts);
  if (!node) return;
  const focused = node.contains(document.activeElement);
  const fresh = message(item, null);
  fresh.classList.toggle("follow", node.classList.contains("follow"));
  node.replaceWith(fresh);
  if (focused) fresh.focus();
}

export const remove = (ts) => nodeOf(ts)?.remove();

export function reveal(ts) {
  const node = nodeOf(ts);
  if (!node) return;
  pinned = false;
  node.scrollIntoView({ block: "center" });
  node.classList.remove("flash");
  requestAnimationFrame(() => node.classList.add("flash"));
  node.focus({ preventScroll: true });
}

function find(ts) {
  for (const messages of state.messages.values()) if (messages.has(ts)) return messages.get(ts);
  return state.whispers.find((item) => item.ts === ts) ?? null;
}

function dayLine(previous, item) {
  const day = (one) => new Date(Number(one.ts) * 1000).toDateString();
  if (previous && day(previous) === day(item)) return null;
  const label = day(item) === new Date().toDateString() ? "Today" : new Date(Number(item.ts) * 1000).toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
  return h("div.day", { role: "separator" }, h("span", {}, label));
}

function follows(previous, item) {
  return previous && !item.bot_id && !item.visible_to && !previous.visible_to && previous.user === item.user
    && !item.thread_ts && Number(item.ts) - Number(previous.ts) < 300;
}

function message(item, previous) {
  const whisper = Boolean(item.visible_to);
  const isReply = item.thread_ts && item.thread_ts !== item.ts;
  const kinds = `${whisper ? ".whisper" : ""}${isReply ? ".reply" : ""}${follows(previous, item) ? ".follow" : ""}`;
  const node = h(`article.message${kinds}`, {
    tabindex: "0", dataset: { ts: item.ts, channel: item.channel, ...(isReply ? { thread: item.thread_ts } : {}) },
    "aria-label": `${userName(item.user)}, ${clock(item.ts)}`,
  });
  node.append(
    avatar(item.user),
    h("div.content", {},
      whisper && h("div.whisper-note", {}, "👁 Only visible to you"),
      h("div.byline", {}, h("b", {}, userName(item.user)), item.bot_id && h("span.app-tag", {}, "APP"),
        h("time", { datetime: new Date(Number(item.ts) * 1000).toISOString() }, clock(item.ts))),
      body(item),
      !whisper && pills(item),
      item.reply_count > 0 && h("span.quiet", {}, `${item.reply_count} ${item.reply_count > 1 ? "replies" : "reply"}`)));
  node.append(tools(item));
  heights.observe(node);
  return node;
}

function body(item) {
  const surface = {
    run: (action) => runAction({ ...action, ts: item.ts, channel: item.channel }),
    suggest: (element, value) => act("suggest", { user: state.me, ts: item.ts, channel: item.channel, action_id: element.action_id, value }),
  };
  const parts = [];
  if (item.blocks?.length) parts.push(blocks(item.blocks, surface));
  else if (item.text) parts.push(clamp(h("div.message-text", {}, mrkdwn(item.text)), item.text));
  if (item.edited) parts.push(h("span.edited", {}, "(edited)"));
  for (const file of item.files ?? []) parts.push(attachment(file));
  return parts;
}

function clamp(node, text) {
  if (text.length < 2500) return node;
  node.classList.add("clamped");
  const more = h("button.more", { type: "button", onclick: () => { node.classList.remove("clamped"); more.remove(); } }, "Show more");
  return [node, more];
}

function attachment(file) {
  const url = safeUrl(new URL(file.url_private, location.href).pathname);
  if (file.mimetype?.startsWith("image/")) {
    return h("figure.picture", {}, h("figcaption", {}, file.title), h("img", { src: url, alt: file.alt_txt || file.title, loading: "lazy" }));
  }
  return h("p", {}, h("a", { href: url, download: file.name }, `📎 ${file.title}`));
}

async function runAction(action) {
  try {
    const seen = await act("action", { user: state.me, wait: 0, ...action });
    if (seen.error) toast(`The app did not answer (${seen.error}).`);
  } catch (error) { toast(`That did not work: ${error.message}`); }
}

// Reactions

function pills(item) {
  const row = h("div.pills", { role: "group", "aria-label": "Reactions" });
  for (const reaction of item.reactions ?? []) row.append(pill(item, reaction));
  if (item.reactions?.length) {
    row.append(h("button.pill.add", { type: "button", "aria-label": "Add a reaction", onclick: (event) => pick(event.currentTarget, item) }, "☺⁺"));
  }
  return row;
}

function pill(item, reaction) {
  const mine = reaction.users.includes(state.me);
  const node = h("button.pill", {
    type: "button", "aria-pressed": String(mine), dataset: { name: reaction.name },
    "aria-label": `${reaction.name.replaceAll("_", " ")}: ${reaction.count}, ${who(reaction)}`,
    onclick: () => toggle(item, reaction.name),
  }, glyph(reaction.name), h("span.count", {}, String(reaction.count)));
  tooltip(node, () => [glyph(reaction.name, "span.big"), `${who(reaction)} `, h("span.dim", {}, `reacted with :${reaction.name}:`)]);
  return node;
}

function who(reaction) {
  const names = reaction.users.filter((id) => id !== state.me).map(userName);
  if (reaction.users.includes(state.me)) names.unshift("You");
  const most = 12;
  if (names.length > most) return `${names.slice(0, most).join(", ")} and ${names.length - most} others`;
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0] ?? "";
}

/** Redraws only the pills of one message. */
export function updatePills(item, changed) {
  const node = nodeOf(item.ts);
  const old = node?.querySelector(".pills");
  if (!old) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.name ?? "" : null;
  const fresh = pills(item);
  old.replaceWith(fresh);
  const bumped = [...fresh.children].find((one) => one.dataset.name === changed);
  bumped?.classList.add("bump");
  if (focused !== null) ([...fresh.children].find((one) => one.dataset.name === focused) ?? fresh.lastElementChild ?? node).focus();
}

export async function toggle(item, name) {
  const current = find(item.ts) ?? item;
  const mine = current.reactions?.find((one) => one.name === name)?.users.includes(state.me);
  try {
    await act(mine ? "unreact" : "react", { user: state.me, channel: item.channel, ts: item.ts, name });
  } catch (error) { toast(EXPLAINED[error.message] ?? `Slack refused the reaction: ${error.message}`); }
}

const EXPLAINED = {
  too_many_emoji: "This message already has the maximum number of different emoji.",
  is_archived: "This channel is archived.",
  message_not_found: "This message no longer exists.",
};

const pick = (anchor, item) => openPicker(anchor, (name) => {
  const mine = find(item.ts)?.reactions?.find((one) => one.name === name)?.users.includes(state.me);
  if (!mine) toggle(item, name);
});

// Message actions

function tools(item) {
  if (item.visible_to) {
    return h("div.tools", {}, h("button.icon-button", { type: "button", "aria-label": "Dismiss", title: "Dismiss", onclick: () => {
      state.whispers = state.whispers.filter((one) => one.ts !== item.ts);
      remove(item.ts);
    } }, "✕"));
  }
  return h("div.tools", { role: "toolbar", "aria-label": "Message" },
    h("button.icon-button", { type: "button", "aria-label": "Add a reaction", title: "React (r)", dataset: { tool: "react" }, onclick: (event) => pick(event.currentTarget, item) }, "☺"),
    h("button.icon-button", { type: "button", "aria-label": "More actions", title: "More", "aria-haspopup": "menu", dataset: { tool: "more" }, onclick: (event) => openMenu(event.currentTarget, entries(item)) }, "⋯"));
}

function entries(item) {
  const found = state.shortcuts.filter((one) => one.kind === "message").map((one) => ({ label: `🍕 ${one.name}`, run: () => shortcut(item, one.callback_id) }));
  if (found.length) found.push(null);
  found.push({ label: "Copy link", run: () => navigator.clipboard?.writeText(`${location.origin}/archives/${item.channel}/p${item.ts.replace(".", "")}`) });
  found.push({ label: "Delete message (as an admin)", warn: true, run: () => act("delete", { ts: item.ts, channel: item.channel }).catch((error) => toast(error.message)) });
  return found;
}

async function shortcut(item, callbackId) {
  try {
    const seen = await act("shortcut", { user: state.me, callback_id: callbackId, ts: item.ts, channel: item.channel });
    if (seen.error) toast(`The app did not answer (${seen.error}).`);
    openViews();
  } catch (error) { toast(`That did not work: ${error.message}`); }
}

/** Arrow keys move through the messages; `r` opens the picker; Escape goes to the message box. */
export function setUpKeys() {
  list().addEventListener("keydown", (event) => {
    const current = document.activeElement.closest?.(".message");
    if (!current || event.target.matches("input, textarea, select")) return;
    const all = [...list().querySelectorAll(".message")];
    const index = all.indexOf(current);
    if (event.key === "ArrowDown") (all[index + 1] ?? $("composer-input")).focus();
    else if (event.key === "ArrowUp") all[Math.max(0, index - 1)].focus();
    else if (event.key === "r") current.querySelector('[data-tool="react"]')?.click();
    else if (event.key === "Escape") $("composer-input").focus();
    else return;
    event.preventDefault();
  });
  list().addEventListener("scroll", scrolled, { passive: true });
  $("to-bottom").addEventListener("click", () => toEnd());
}
