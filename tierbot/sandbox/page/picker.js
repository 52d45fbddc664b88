// The emoji picker: search, categories, skin tones; arrows move, Enter picks, Escape closes.
import { $, h, place } from "./dom.js";
import { char, emoji, glyph, search } from "./emoji.js";
import { state } from "./state.js";

const COLUMNS = 8;
let done = null;
let opener = null;
let catalogue = null;
let tone = Number(localStorage.getItem("tone") ?? 1);

const toned = (item) => (tone > 1 && item.tones ? `${item.name}::skin-tone-${tone}` : item.name);
const recent = () => JSON.parse(localStorage.getItem("recent") ?? "[]");

/** Opens the picker next to `anchor` and calls `onPick(name)` with the choice. */
export function openPicker(anchor, onPick) {
  opener = anchor;
  done = onPick;
  const picker = $("picker");
  if (!picker.firstChild) build(picker);
  picker.hidden = false;
  $("picker-search").value = "";
  show("");
  place(picker, anchor);
  $("picker-search").focus();
}

export function closePicker({ refocus = true } = {}) {
  if ($("picker").hidden) return;
  $("picker").hidden = true;
  if (refocus && opener?.isConnected) opener.focus();
}

function build(picker) {
  const tones = h("div.tones", { role: "group", "aria-label": "Skin tone" }, [1, 2, 3, 4, 5, 6].map((number) => h("button", {
    type: "button", "aria-label": number === 1 ? "No skin tone" : `Skin tone ${number}`, "aria-pressed": String(number === tone),
    dataset: { tone: number }, onclick: () => setTone(number),
  }, number === 1 ? "✋" : char(`hand::skin-tone-${number}`) ?? String(number))));
  picker.append(
    h("div.picker-top", {}, h("input.field", { id: "picker-search", type: "search", placeholder: "Search all emoji", "aria-label": "Search emoji", oninput: (event) => show(event.target.value) })),
    h("div.picker-list", { id: "picker-list" }),
    h("div.picker-foot", {}, h("span.big", { id: "picker-big" }), h("span.name", { id: "picker-name", "aria-live": "polite" }), tones));
  const list = picker.querySelector(".picker-list");
  list.addEventListener("click", (event) => take(event.target.closest("button[data-name]")));
  for (const kind of ["focusin", "pointerover"]) {
    list.addEventListener(kind, (event) => {
      const pointed = event.target.closest?.("button[data-name]");
      if (pointed) preview(pointed);
    });
  }
  picker.addEventListener("keydown", move);
  document.addEventListener("pointerdown", (event) => {
    if (!picker.hidden && !picker.contains(event.target)) closePicker({ refocus: false });
  });
}

function setTone(number) {
  tone = number;
  localStorage.setItem("tone", String(number));
  for (const node of document.querySelectorAll(".tones button")) node.setAttribute("aria-pressed", String(Number(node.dataset.tone) === number));
  catalogue = null;
  show($("picker-search").value);
}

function grid(items) {
  return h("div.picker-grid", {}, items.map((item) => {
    const name = toned(item);
    return h("button", { type: "button", "aria-label": name.replaceAll("_", " "), dataset: { name }, tabindex: "-1" }, item.char ? char(name) : glyph(item.name));
  }));
}

function show(text) {
  const list = $("picker-list");
  if (text.trim()) {
    const found = search(text);
    list.replaceChildren(found.length ? grid(found) : h("p.quiet", {}, "Nothing found"));
  } else {
    catalogue ??= emoji.categories.map((category) => [
      h("h3", {}, category), grid(emoji.list.filter((item) => item.category === category)),
    ]).flat();
    const custom = Object.keys(state.customEmoji).map((name) => ({ name, char: null, tones: false }));
    const used = recent().map((name) => emoji.byName.get(name)).filter(Boolean);
    list.replaceChildren(
      ...(used.length ? [h("h3", {}, "Recent"), grid(used)] : []),
      ...(custom.length ? [h("h3", {}, "This workspace"), grid(custom)] : []),
      ...catalogue);
  }
  list.scrollTop = 0;
  preview(list.querySelector("button"));
}

function preview(node) {
  $("picker-big").replaceChildren(...(node ? [glyph(node.dataset.name)] : []));
  $("picker-name").textContent = node ? `:${node.dataset.name}:` : "";
}

function take(node) {
  if (!node) return;
  const name = node.dataset.name;
  const base = name.split("::")[0];
  localStorage.setItem("recent", JSON.stringify([base, ...recent().filter((known) => known !== base)].slice(0, 16)));
  closePicker();
  done(name);
}

function move(event) {
  const buttons = [...$("picker-list").querySelectorAll("button")];
  const index = buttons.indexOf(document.activeElement);
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };
  if (event.key === "Escape") closePicker();
  else if (event.key === "Enter" && index < 0) take(buttons[0]);
  else if (event.key === "ArrowDown" && index < 0) buttons[0]?.focus();
  else if (event.key in steps && index >= 0) {
    const next = index + steps[event.key];
    if (next < 0) $("picker-search").focus();
    else buttons[Math.min(next, buttons.length - 1)].focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
