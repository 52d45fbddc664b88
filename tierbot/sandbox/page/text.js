// Turns Slack's mrkdwn into nodes. Whatever a message contains, it only ever becomes text and safe links.
import { char, glyph } from "./emoji.js";
import { h, safeUrl } from "./dom.js";
import { state, userName } from "./state.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
export const unescape = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const MARKS = { "*": "strong", "_": "em", "~": "s" };
const TOKEN = new RegExp(
  [
    "```(?<pre>[\\s\\S]+?)```",
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    ":(?<emoji>[a-z0-9_+'-]+(?:::skin-tone-[2-6])?):",
    "(?<![\\w*])\\*(?<b>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<i>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
    "(?<![\\w~])~(?<s>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
  ].join("|"),
  "g",
);
const BARE_URL = /https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)'"\]]/g;

/** Returns nodes for a mrkdwn string, including block quotes. */
export function mrkdwn(text) {
  const nodes = [];
  let quote = [];
  const flush = () => {
    if (quote.length) nodes.push(h("blockquote", {}, inline(quote.join("\n"))));
    quote = [];
  };
  const parts = text.split(/(```[\s\S]+?```)/);
  for (const [place, whole] of parts.entries()) {
    // The line breaks around a code block belong to it.
    const part = place % 2 ? whole : whole.replace(place > 0 ? /^\n/ : "", "").replace(place < parts.length - 1 ? /\n$/ : "", "");
    if (part.startsWith("```") && part.endsWith("```") && part.length > 6) {
      flush();
      nodes.push(...inline(part));
      continue;
    }
    const lines = part.split("\n");
    lines.forEach((line, index) => {
      const quoted = /^(?:&gt;|>)\s?/.exec(line);
      if (quoted) {
        quote.push(line.slice(quoted[0].length));
        return;
      }
      const before = quote.length > 0;
      flush();
      nodes.push(...inline((index > 0 && !before ? "\n" : "") + line));
    });
    flush();
  }
  return nodes;
}

function inline(text, depth = 0) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > last) nodes.push(...plain(text.slice(last, match.index)));
    nodes.push(token(match, depth));
    last = match.index + match[0].length;
  }
  if (last < text.length) nodes.push(...plain(text.slice(last)));
  return nodes;
}

function token(match, depth) {
  const { pre, code, angle, emoji } = match.groups;
  if (pre !== undefined) return h("pre", {}, unescape(pre.replace(/^\n|\n$/g, "")));
  if (code !== undefined) return h("code", {}, unescape(code));
  if (angle !== undefined) return link(angle, match[0]);
  if (emoji !== undefined) return glyph(emoji);
  const mark = match[0][0];
  const inner = match.groups.b ?? match.groups.i ?? match.groups.s;
  return depth > 4 ? match[0] : h(MARKS[mark], {}, inline(inner, depth + 1));
}

function link(body, whole) {
  const [target, label] = body.split("|", 2);
  if (target.startsWith("@")) return h("span.mention", {}, `@${userName(target.slice(1))}`);
  if (target.startsWith("#")) return h("span.mention", {}, `#${state.channels.get(target.slice(1))?.name ?? label ?? "channel"}`);
  if (target.startsWith("!date^")) return unescape(date(target, label));
  if (target.startsWith("!")) return h("span.mention", {}, `@${label ?? target.slice(1).split("^")[0]}`);
  const url = unescape(target);
  const safe = /^(https?|mailto):/i.test(url) ? safeUrl(url) : null;
  if (!safe) return unescape(whole);
  return h("a", { href: safe, target: "_blank", rel: "noopener noreferrer nofollow" }, unescape(label ?? target));
}

function date(target, fallback) {
  const [, seconds, format = ""] = target.split("^");
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime())) return fallback ?? "";
  const day = when.toLocaleDateString([], { month: "short", day: "numeric", year: "numeric" });
  const time = when.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  return format.replace(/\{date\w*\}/g, day).replace(/\{time\w*\}/g, time).replace(/\{ago\}/g, ago(when));
}

function plain(text) {
  const nodes = [];
  const clear = unescape(text);
  let last = 0;
  for (const match of clear.matchAll(BARE_URL)) {
    const url = safeUrl(match[0]);
    if (!url) continue;
    nodes.push(clear.slice(last, match.index), h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, match[0]));
    last = match.index + match[0].length;
  }
  nodes.push(clear.slice(last));
  return nodes.filter((node) => node !== "");
}

/** Returns nodes for a Block Kit text object. */
export function textObject(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text ?? "");
  return object.emoji === false ? [object.text ?? ""] : emojiOnly(object.text ?? "");
}

const SHORT_NAME = /(:[a-z0-9_+'-]+(?:::skin-tone-[2-6])?:)/g;

function emojiOnly(text) {
  return text.split(SHORT_NAME).map((part, index) => (index % 2 ? glyph(part.slice(1, -1)) : part));
}

/** Returns a text object's text where only a string fits (a field's value, a placeholder, a label). */
export function textString(object) {
  const text = object?.text ?? "";
  return object?.emoji === false ? text : text.replace(SHORT_NAME, (name) => char(name.slice(1, -1)) ?? name);
}

export function ago(when) {
  const minutes = Math.round((Date.now() - when.getTime()) / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 1440) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 1440)} d ago`;
}

export const clock = (ts) => new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
