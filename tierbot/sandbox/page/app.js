// Runs the page: loads the state, follows the stream, and draws the current place.
import { act, follow, look } from "./api.js";
import { setUpComposer } from "./composer.js";
import { $, h, toast } from "./dom.js";
import { loadEmoji } from "./emoji.js";
import { closeMenu, setUpMenu } from "./menu.js";
import * as messages from "./messages.js";
import { drawPanel } from "./panel.js";
import { avatar, placeName, state, userName } from "./state.js";
import { drawHome, openViews, setUpModal, viewChanged } from "./views.js";

const MOST = 500;

async function start() {
  setUpMenu(); setUpModal(); messages.setUpKeys(); setUpFrame();
  setUpComposer((text) => addWhisper({ ts: String(Date.now() / 1000), channel: state.place.id, user: state.app.user_id, bot_id: state.app.bot_id, text, visible_to: state.me }));
  const [world] = await Promise.all([look("state"), loadEmoji()]);
  state.team = world.team; state.app = world.app; state.commands = world.commands; state.shortcuts = world.shortcuts;
  state.customEmoji = world.emoji;
  for (const user of world.users) state.users.set(user.id, user);
  for (const channel of world.channels) state.channels.set(channel.id, channel);
  $("team-name").textContent = world.team.name;
  document.title = `${world.team.name} · tierbot sandbox`;
  state.panel = world.panel;
  const people = [...state.users.values()].filter((user) => !user.is_bot);
  const wanted = new URLSearchParams(location.search).get("as") ?? sessionStorage.getItem("as") ?? "";
  const chosen = people.find((user) => user.name === wanted || user.id === wanted) ?? people[0];
  if (chosen) state.me = chosen.id;
  else await addColleague("you");
  follow(world.seq, changed, connection);
  const link = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(location.pathname);
  await become(state.me, link ? { kind: "channel", id: link[1] } : { kind: "channel", id: world.channel });
  if (link) messages.reveal(`${link[2]}.${link[3]}`);
}

function connection(on) {
  $("link-state").textContent = on ? "live" : "reconnecting…";
  $("link-state").className = `link-state ${on ? "on" : "off"}`;
}

// The current user and place

const become = (id, place) => withheld(() => changePerson(id, place));
const go = (place) => withheld(() => changePlace(place)).catch((error) => toast(`Not loaded: ${error.message}`));

async function changePerson(id, place) {
  if (!id) return;
  state.me = id;
  sessionStorage.setItem("as", state.users.get(id)?.name ?? "");
  const inbox = await look("inbox", { user: id });
  Object.assign(state, { whispers: inbox.ephemerals, views: inbox.views, home: inbox.home });
  for (const { channel, messages: list } of inbox.direct) state.messages.set(channel, byTs(list));
  drawPeople();
  drawPanel(state.panel, reveal); // the user's own votes come first
  const known = state.channels.get(place.id);
  const visible = place.kind === "home" || (known && (!known.is_im || known.members.includes(id)));
  await changePlace(visible ? place : { kind: "channel", id: [...state.channels.keys()][0] });
  openViews();
}

const byTs = (list) => new Map(list.map((item) => [item.ts, item]));

async function changePlace(place) {
  state.place = place;
  state.unread.delete(place.id);
  $("app").classList.remove("show-sidebar");
  sheets();
  const isHome = place.kind === "home";
  $("home").hidden = !isHome; $("messages").hidden = isHome; $("composer").hidden = isHome; $("to-bottom").hidden = true;
  drawSidebar(); drawHead();
  if (isHome) {
    drawHome();
    act("home", { user: state.me }).catch((error) => toast(error.message));
    return;
  }
  if (!state.messages.has(place.id)) {
    const { messages: list } = await look("messages", { channel: place.id, limit: String(MOST) });
    state.messages.set(place.id, byTs(list));
  }
  drawMessages();
}

function drawMessages() {
  const own = state.whispers.filter((item) => item.channel === state.place.id);
  const all = [...(state.messages.get(state.place.id)?.values() ?? []), ...own].sort((a, b) => (a.ts < b.ts ? -1 : 1)).slice(-MOST);
  if (all.length) messages.drawAll(threaded(all));
  else messages.drawEmpty(`This is the beginning of ${placeName(state.channels.get(state.place.id))}`, "The bot's posts appear here. Say something, or type / for a command.");
}

/** Replies are listed below their parents. */
function threaded(list) {
  const present = new Set(list.map((item) => item.ts));
  const replies = Map.groupBy(list.filter((item) => item.thread_ts && item.thread_ts !== item.ts && present.has(item.thread_ts)), (item) => item.thread_ts);
  const inner = new Set([...replies.values()].flat().map((item) => item.ts));
  return list.filter((item) => !inner.has(item.ts)).flatMap((item) => [item, ...(replies.get(item.ts) ?? [])]);
}

function drawHead() {
  const channel = state.channels.get(state.place.id);
  const isApp = state.place.kind === "home" || (channel?.is_im && channel.members.includes(state.app.user_id));
  const title = state.place.kind === "home" ? state.app.name : `${channel?.is_im ? "" : channel?.is_private ? "🔒 " : "# "}${placeName(channel)}`;
  $("place-name").textContent = title;
  $("place-note").textContent = channel?.is_archived ? "archived: read only"
    : channel?.is_im || state.place.kind === "home" ? "" : `${channel?.members.length ?? 0} members · react with the emoji that names the topic`;
  $("composer-input").placeholder = channel ? `Message ${channel.is_im ? "" : "#"}${placeName(channel)} as ${userName(state.me)}` : "";
  $("home-tabs").hidden = !isApp;
  $("home-tabs").replaceChildren(...[["home", "Home"], ["channel", "Messages"]].map(([kind, label]) => h("button", {
    type: "button", role: "tab", "aria-selected": String(state.place.kind === kind), onclick: () => (kind === "home" ? go({ kind }) : openDirect()),
  }, label)));
}

async function openDirect(withUser) {
  const { channel } = await act("dm", { user: state.me, ...(withUser ? { with: withUser } : {}) });
  state.channels.set(channel.id, channel);
  await go({ kind: "channel", id: channel.id });
}

function drawSidebar() {
  const all = [...state.channels.values()];
  const item = (place, label, icon) => {
    const count = state.unread.get(place.id) ?? 0;
    const current = place.kind === state.place.kind && place.id === state.place.id;
    return h("li", {}, h(`button.place${count ? ".unread" : ""}`, { type: "button", "aria-current": current ? "page" : null, onclick: () => go(place) },
      icon, h("span.name", {}, label), count > 0 && h("span.badge", { "aria-label": `${count} new` }, String(count))));
  };
  const mark = (text) => h("span.mark", { "aria-hidden": "true" }, text);
  $("channel-list").replaceChildren(...all.filter((one) => !one.is_im).map((one) => item({ kind: "channel", id: one.id }, one.name, mark(one.is_archived ? "🗄" : one.is_private ? "🔒" : "#"))));
  const mine = all.filter((one) => one.is_im && one.members.includes(state.me));
  $("dm-list").replaceChildren(...mine.map((one) => item({ kind: "channel", id: one.id }, placeName(one), avatar(one.members.find((id) => id !== state.me) ?? state.me, true))));
  $("app-list").replaceChildren(item({ kind: "home" }, state.app.name, avatar(state.app.user_id, true)));
}

function drawPeople() {
  const people = [...state.users.values()].filter((user) => !user.is_bot);
  const trait = (user) => (user.is_admin ? " (admin)" : user.is_restricted ? " (guest)" : "");
  $("me-select").replaceChildren(...people.map((user) => h("option", { value: user.id, selected: user.id === state.me }, userName(user.id) + trait(user))));
  const fresh = avatar(state.me, true);
  fresh.id = "me-avatar";
  $("me-avatar").replaceWith(fresh);
}

async function addColleague(name) {
  const { user } = await act("users", { name });
  if (!state.users.has(user.id)) state.users.set(user.id, { real_name: name, color: "4a6fa5", ...user });
  state.me = user.id;
}

// Changes

let loads = 0;
let backlog = [];

function changed(change) {
  if (loads) backlog.push(change);
  else HANDLERS[change.type]?.(change);
}

/** Changes wait while a snapshot is being fetched, so none is lost between the snapshot and the stream. */
async function withheld(work) {
  loads += 1;
  try { await work(); } finally {
    loads -= 1;
    if (!loads) {
      const late = backlog;
      backlog = [];
      late.forEach(changed);
    }
  }
}

const here = (channel) => state.place.kind !== "home" && state.place.id === channel;
const reaction = (change) => {
  const item = state.messages.get(change.channel)?.get(change.ts);
  if (!item) return;
  item.reactions = change.reactions;
  if (here(change.channel)) messages.updatePills(item, change.name);
};
const HANDLERS = {
  reaction_added: reaction,
  reaction_removed: reaction,
  message({ channel, message }) {
    const list = state.messages.get(channel);
    if (list?.has(message.ts)) return; // already in the snapshot
    list?.set(message.ts, message);
    const parent = message.thread_ts !== message.ts && list?.get(message.thread_ts);
    if (parent) parent.reply_count = (parent.reply_count ?? 0) + 1;
    if (parent && here(channel)) messages.redraw(parent);
    if (here(channel) && list) messages.append(message);
    else if (!state.channels.get(channel)?.is_im || state.channels.get(channel).members.includes(state.me)) {
      state.unread.set(channel, (state.unread.get(channel) ?? 0) + 1);
      drawSidebar();
    }
    if (message.bot_id && here(channel)) announce(`${userName(message.user)}: ${message.text.slice(0, 160)}`);
  },
  message_changed({ channel, message }) {
    state.messages.get(channel)?.set(message.ts, message);
    if (here(channel)) messages.redraw(message);
  },
  message_deleted({ channel, message }) {
    state.messages.get(channel)?.delete(message.ts);
    if (here(channel)) messages.remove(message.ts);
  },
  ephemeral({ message }) { if (message.visible_to === state.me) addWhisper(message); },
  ephemeral_changed({ message }) {
    state.whispers = state.whispers.map((one) => (one.ts === message.ts ? message : one));
    messages.redraw(message);
  },
  ephemeral_deleted({ message }) {
    state.whispers = state.whispers.filter((one) => one.ts !== message.ts);
    messages.remove(message.ts);
  },
  view: viewChanged,
  user({ user }) { state.users.set(user.id, user); drawPeople(); },
  channel({ channel }) { state.channels.set(channel.id, channel); drawSidebar(); drawHead(); },
  member_joined({ channel }) { state.channels.set(channel.id, channel); drawHead(); },
  member_left({ channel }) { state.channels.set(channel.id, channel); drawHead(); },
  emoji_changed({ name, url }) { if (url) state.customEmoji[name] = url; else delete state.customEmoji[name]; },
  panel({ panel }) {
    state.panel = panel;
    drawPanel(panel, reveal);
  },
};

function addWhisper(item) {
  if (state.whispers.some((one) => one.ts === item.ts)) return;
  state.whispers.push(item);
  if (here(item.channel)) messages.append(item);
  announce(`Only visible to you: ${item.text.slice(0, 160)}`);
}

const announce = (text) => { $("live").textContent = text; };

async function reveal(channel, ts) {
  if (!state.channels.has(channel)) return;
  if (!here(channel)) await go({ kind: "channel", id: channel });
  $("app").classList.remove("show-panel");
  if (matchMedia("(max-width: 1180px)").matches) togglePanel(false);
  messages.reveal(ts);
}

// The frame

function togglePanel(on) {
  $("app").classList.toggle("no-panel", !on);
  $("open-panel").setAttribute("aria-expanded", String(on));
  sheets();
}

/** In narrow windows, the sidebar and the panel cover the channel, with a scrim behind them. */
function sheets() {
  const side = $("app").classList.contains("show-sidebar");
  const panel = !$("app").classList.contains("no-panel") && matchMedia("(max-width: 1180px)").matches;
  $("scrim").hidden = !(side || panel);
  $("open-sidebar").setAttribute("aria-expanded", String(side));
}

function setUpFrame() {
  togglePanel(matchMedia("(min-width: 1181px)").matches);
  $("open-panel").addEventListener("click", () => togglePanel($("app").classList.contains("no-panel")));
  $("close-panel").addEventListener("click", () => { togglePanel(false); $("open-panel").focus(); });
  $("open-sidebar").addEventListener("click", () => { $("app").classList.toggle("show-sidebar"); sheets(); });
  $("scrim").addEventListener("click", () => { $("app").classList.remove("show-sidebar"); if (matchMedia("(max-width: 1180px)").matches) togglePanel(false); sheets(); });
  $("me-select").addEventListener("change", (event) => become(event.target.value, state.place).catch((error) => toast(`Not loaded: ${error.message}`)));
  $("add-user").addEventListener("click", async () => {
    const name = prompt("A colleague's handle");
    if (!name) return;
    try { await addColleague(name.trim()); await become(state.me, state.place); } catch (error) { toast(`Not added: ${error.message}`); }
  });
  const stored = localStorage.getItem("theme");
  if (stored) document.documentElement.dataset.theme = stored;
  $("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    document.documentElement.dataset.theme = dark === "dark" ? "light" : "dark";
    localStorage.setItem("theme", document.documentElement.dataset.theme);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    closeMenu();
    $("app").classList.remove("show-sidebar");
    sheets();
  });
}

start().catch((error) => {
  $("link-state").textContent = error.message;
  const why = error.message === "unauthorized" ? "This sandbox needs its control token. Open the URL that it printed at startup." : String(error.message);
  $("messages").replaceChildren(h("div.empty", {}, h("strong", {}, "The sandbox isn't responding"), why));
});
