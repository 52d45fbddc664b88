// The page's state: people, places, messages, and the current user.
import { h } from "./dom.js";

export const state = {
  team: {}, app: {}, users: new Map(), channels: new Map(), commands: [], shortcuts: [], customEmoji: {},
  messages: new Map(), // channel id → Map of ts → message, oldest first
  whispers: [], views: [], home: null, panel: null, unread: new Map(), me: "", place: { kind: "channel", id: "" },
};

export const me = () => state.users.get(state.me);

export function userName(id) {
  const user = state.users.get(id);
  return user ? user.real_name || user.name : id;
}

export function avatar(id, small = false) {
  const user = state.users.get(id);
  const name = userName(id);
  const isBot = user?.is_bot;
  const node = h(`span.avatar${small ? ".small" : ""}${isBot ? ".bot" : ""}`, { "aria-hidden": "true" });
  node.textContent = isBot ? (id === state.app.user_id ? "🍕" : "🤖") : initials(name);
  if (user && !isBot) node.style.background = `#${user.color}`;
  return node;
}

function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...word][0] ?? "").join("").toUpperCase();
}

/** Returns a place's name as shown in the sidebar and above the messages. */
export function placeName(channel) {
  if (!channel) return "";
  if (!channel.is_im) return channel.name;
  const other = channel.members.find((id) => id !== state.me) ?? state.me;
  return userName(other);
}
