// The message box: posts text to the channel, runs `/…` commands, and completes commands, emoji and people.
import { act } from "./api.js";
import { $, h, toast } from "./dom.js";
import { glyph, search } from "./emoji.js";
import { openPicker } from "./picker.js";
import { state, userName } from "./state.js";

let offers = [];
let at = 0;
let whisper = () => {};

/** `onTrouble(text)` shows this user alone that a command failed. */
export function setUpComposer(onTrouble) {
  whisper = onTrouble;
  const input = $("composer-input");
  input.addEventListener("input", () => { resize(); complete(); });
  input.addEventListener("keydown", keys);
  input.addEventListener("blur", () => setTimeout(hide, 120));
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  $("composer-emoji").addEventListener("click", (event) => openPicker(event.currentTarget, (name) => { insert(`:${name}: `); input.focus(); }));
  $("composer-slash").addEventListener("click", () => { input.value = "/"; input.focus(); complete(); });
  resize();
}

function resize() {
  const input = $("composer-input");
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, innerHeight * 0.4)}px`;
  $("send").disabled = !input.value.trim();
}

function insert(text) {
  const input = $("composer-input");
  input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
  resize();
}

async function send() {
  const input = $("composer-input");
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  resize();
  hide();
  try {
    const channel = state.place.id;
    if (text.startsWith("/")) await command(text, channel);
    else await act("message", { user: state.me, channel, text: escape(text) });
  } catch (error) {
    const name = text.split(/\s/)[0];
    if (error.message === "unknown_command") whisper(`\`${name}\` is not a valid command. In this workspace: ${state.commands.map((one) => `\`${one.name}\``).join(", ")}`);
    else { toast(`Not sent: ${error.message}`); input.value = text; resize(); }
  }
}

async function command(text, channel) {
  const seen = await act("command", { user: state.me, channel, command: text });
  if (seen.error) whisper(`\`${text.split(/\s/)[0]}\` failed with the error "${seen.error}"`);
}

/** Encodes text as Slack's client does: &, < and > become entities, @handles become mentions. */
function escape(text) {
  const clear = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  return clear.replace(/(^|\s)@([\w.-]+)/g, (whole, before, name) => {
    const user = [...state.users.values()].find((one) => one.name === name);
    return user ? `${before}<@${user.id}>` : whole;
  });
}

// Completion

function word() {
  const input = $("composer-input");
  const before = input.value.slice(0, input.selectionStart);
  const match = /(?:^|\s)(:[\w+-]{2,}|@[\w.-]*)$/.exec(before);
  if (/^\/\S*$/.test(before)) return { text: before, start: 0 };
  return match ? { text: match[1], start: before.length - match[1].length } : null;
}

function complete() {
  const typed = word();
  offers = typed ? offersFor(typed) : [];
  at = 0;
  draw();
}

function offersFor({ text, start }) {
  const wanted = text.slice(1).toLowerCase();
  if (text.startsWith("/")) {
    return state.commands.filter((one) => one.name.slice(1).startsWith(wanted)).map((one) => ({
      start, insert: `${one.name} `, label: h("b", {}, one.name), note: [one.usage_hint, one.description].filter(Boolean).join(" · "),
    }));
  }
  if (text.startsWith(":")) {
    return search(wanted, 8).map((item) => ({ start, insert: `:${item.name}: `, label: [glyph(item.name), ` :${item.name}:`], note: "" }));
  }
  return [...state.users.values()].filter((user) => `${user.name} ${user.real_name}`.toLowerCase().includes(wanted)).slice(0, 8)
    .map((user) => ({ start, insert: `@${user.name} `, label: h("b", {}, userName(user.id)), note: `@${user.name}` }));
}

function draw() {
  const list = $("completion");
  list.hidden = offers.length === 0;
  list.replaceChildren(...offers.map((offer, index) => h("li", {
    role: "option", id: `offer-${index}`, "aria-selected": String(index === at),
    onpointerdown: (event) => { event.preventDefault(); accept(index); },
  }, h("span", {}, offer.label), h("span.dim", {}, offer.note))));
  const input = $("composer-input");
  if (offers.length) input.setAttribute("aria-activedescendant", `offer-${at}`);
  else input.removeAttribute("aria-activedescendant");
  list.children[at]?.scrollIntoView({ block: "nearest" });
}

function hide() { offers = []; draw(); }

function accept(index) {
  const input = $("composer-input");
  const offer = offers[index];
  input.setRangeText(offer.insert, offer.start, input.selectionStart, "end");
  hide();
  resize();
}

function keys(event) {
  const input = event.target;
  if (offers.length && ["ArrowDown", "ArrowUp"].includes(event.key)) {
    at = (at + (event.key === "ArrowDown" ? 1 : offers.length - 1)) % offers.length;
    draw();
  } else if (offers.length && event.key === "Escape") hide();
  else if (offers.length && (event.key === "Tab" || (event.key === "Enter" && input.value.trim() !== offers[at].insert.trim()))) accept(at);
  else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send();
  else if (event.key === "ArrowUp" && !input.value) [...document.querySelectorAll("#messages .message")].at(-1)?.focus();
  else return;
  event.preventDefault();
}
