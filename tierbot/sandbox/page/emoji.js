// Emoji by short name: characters for standard emoji, pictures for custom emoji.
import { h, safeUrl } from "./dom.js";
import { state } from "./state.js";

export const emoji = { byName: new Map(), list: [], categories: [] };
const TONES = ["", "\u{1F3FB}", "\u{1F3FC}", "\u{1F3FD}", "\u{1F3FE}", "\u{1F3FF}"];

/** Loads the table: per category "characters name alias…,…"; `~` before a name marks emoji with skin tones. */
export async function loadEmoji() {
  const table = await (await fetch("/page/emoji.json")).json();
  for (const [category, rows] of Object.entries(table)) {
    emoji.categories.push(category);
    for (const row of rows.split(",")) {
      const [char, first, ...aliases] = row.split(" ");
      const name = first.replace("~", "");
      const item = { char, name, aliases, category, tones: first !== name };
      emoji.list.push(item);
      for (const known of [name, ...aliases]) if (!emoji.byName.has(known)) emoji.byName.set(known, item);
    }
  }
}

export function char(name) {
  const [base, tone] = name.split("::skin-tone-");
  const item = emoji.byName.get(base);
  if (!item) return null;
  if (!tone || !item.tones) return item.char;
  const points = [...item.char];
  if (points[1] === "\uFE0F") points.splice(1, 1);
  return points[0] + (TONES[Number(tone) - 1] ?? "") + points.slice(1).join("");
}

/** Returns a node for an emoji; an unknown name stays text. */
export function glyph(name, spec = "span.glyph") {
  const picture = safeUrl(state.customEmoji[name] ?? "");
  if (state.customEmoji[name] && picture) return h("img.emoji-image", { src: picture, alt: `:${name}:` });
  const found = char(name);
  return found ? h(spec, { title: `:${name}:` }, found) : `:${name}:`;
}

/** Returns the best matches for typed text, names that start with it first. */
export function search(text, most = 160) {
  const wanted = text.toLowerCase().replaceAll(":", "").trim().replaceAll(" ", "_");
  const scored = [];
  for (const item of emoji.list) {
    const names = [item.name, ...item.aliases];
    let best = 9;
    for (const name of names) {
      if (name === wanted) best = 0;
      else if (name.startsWith(wanted)) best = Math.min(best, 1);
      else if (name.includes(`_${wanted}`) || name.includes(`-${wanted}`)) best = Math.min(best, 2);
      else if (name.includes(wanted)) best = Math.min(best, 3);
    }
    if (best < 9) scored.push([best, item]);
  }
  for (const name of Object.keys(state.customEmoji)) {
    if (name.includes(wanted)) scored.push([0, { name, aliases: [], char: null, tones: false }]);
  }
  return scored.sort((a, b) => a[0] - b[0]).slice(0, most).map(([, item]) => item);
}
