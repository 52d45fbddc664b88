// Interactive elements: buttons, menus, selects, choices and text inputs, each usable by keyboard.
import { h, safeUrl, toast } from "./dom.js";
import { openMenu } from "./menu.js";
import { state, userName } from "./state.js";
import { textObject } from "./text.js";

let counter = 0;

/** An element that reports itself at once (`block_actions`). */
export function element(item, block, surface) {
  const build = ELEMENTS[item.type] ?? (item.type.endsWith("_select") ? select : ELEMENTS[""]);
  return build(item, (value) => surface.run({ action_id: item.action_id, block_id: block.block_id, value }), surface);
}

/** An input block: label, element, hint; its value stands in `surface.values` until the form is submitted. */
export function inputElement(block, surface) {
  const item = block.element;
  const id = `input-${counter += 1}`;
  const keep = (value) => {
    surface.values[item.action_id] = value;
    if (block.dispatch_action) surface.run({ action_id: item.action_id, block_id: block.block_id, value });
  };
  const build = ELEMENTS[item.type] ?? (item.type.endsWith("_select") ? select : text);
  const control = build(item, keep, surface, id);
  const grouped = ["checkboxes", "radio_buttons"].includes(item.type);
  const label = [textObject(block.label), block.optional && h("span.optional", {}, " (optional)")];
  return h("div.input-block", grouped ? { role: "group", "aria-labelledby": `${id}-label` } : {},
    grouped ? h("span.label", { id: `${id}-label` }, label) : h("label", { for: id }, label),
    control,
    block.hint && h("span.hint", {}, textObject(block.hint)),
    h("div.problem", { role: "alert", dataset: { problem: block.block_id } }));
}

function button(item, run) {
  const style = item.style ? `.${item.style}` : "";
  const node = h(`button.button${style}`, { type: "button", "aria-label": item.accessibility_label }, textObject(item.text));
  node.addEventListener("click", async () => {
    if (item.confirm && !confirm(item.confirm.text?.text ?? "Sure?")) return;
    const url = item.url && safeUrl(item.url);
    if (url) open(url, "_blank", "noopener");
    node.setAttribute("aria-busy", "true");
    try { await run(undefined); } finally { node.removeAttribute("aria-busy"); }
  });
  return node;
}

function overflow(item, run) {
  const node = h("button.button", { type: "button", "aria-label": "More", "aria-haspopup": "menu" }, "⋯");
  node.addEventListener("click", () => openMenu(node, item.options.map((option) => ({
    label: option.text.text, run: () => run(option.value),
  }))));
  return node;
}

function choices(kind) {
  return (item, run) => {
    const name = `choice-${counter += 1}`;
    const chosen = new Set((item.initial_options ?? [item.initial_option]).filter(Boolean).map((option) => option.value));
    return h("div", {}, item.options.map((option) => {
      const input = h("input", { type: kind, name, value: option.value, checked: chosen.has(option.value) });
      input.addEventListener("change", () => {
        if (kind === "radio") return run(option.value);
        if (input.checked) chosen.add(option.value); else chosen.delete(option.value);
        return run([...chosen]);
      });
      return h("label.choice", {}, input, h("span", {}, textObject(option.text),
        option.description && h("span.optional", {}, " ", textObject(option.description))));
    }));
  };
}

function text(item, run, surface, id) {
  const multiline = item.multiline === true;
  const node = h(multiline ? "textarea.field" : "input.field", {
    id, rows: multiline ? "4" : null, maxlength: item.max_length ? String(item.max_length) : null,
    placeholder: item.placeholder?.text, type: multiline ? null : { number_input: "number", url_text_input: "url", email_text_input: "email" }[item.type] ?? "text",
  });
  node.value = item.initial_value ?? "";
  node.addEventListener("input", () => surface.values && run(node.value || null));
  return node;
}

function picker(type, key) {
  return (item, run, surface, id) => {
    const node = h("input.field", { type, id, value: item[key] ?? "" });
    node.addEventListener("change", () => run(node.value || null));
    return node;
  };
}

/** Options of any select: its own, the workspace's people or channels, or what the app suggests. */
async function optionsFor(item, typed, surface) {
  const kind = item.type.replace("multi_", "");
  const named = (pairs) => pairs.map(([value, label]) => ({ value, label }));
  if (kind === "users_select") return named([...state.users.values()].map((user) => [user.id, userName(user.id)]));
  if (kind === "channels_select" || kind === "conversations_select") {
    return named([...state.channels.values()].filter((c) => !c.is_im).map((c) => [c.id, `#${c.name}`]));
  }
  const source = kind === "external_select" ? await surface.suggest(item, typed) : item;
  const flat = (list) => (list ?? []).map((option) => ({ value: option.value, label: option.text.text }));
  if (source.option_groups) {
    return source.option_groups.flatMap((group) => [{ group: group.label.text }, ...flat(group.options)]);
  }
  return flat(source.options);
}

function select(item, run, surface, id) {
  const many = item.type.startsWith("multi_");
  const isExternal = item.type.endsWith("external_select");
  const list = h("ul", { role: "listbox", id: `list-${counter += 1}`, hidden: true });
  const input = h("input.field", {
    id, role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
    autocomplete: "off", placeholder: item.placeholder?.text ?? (isExternal ? "Type to search" : "Choose"),
  });
  const chips = h("div.chips");
  const picked = new Map((item.initial_options ?? []).map((option) => [option.value, option.text.text]));
  let shown = [], at = -1, asked = 0;
  if (item.initial_option) input.value = item.initial_option.text.text;

  const showChips = () => chips.replaceChildren(...[...picked].map(([value, label]) => h("button.chip", {
    type: "button", "aria-label": `Remove ${label}`, onclick: () => { picked.delete(value); showChips(); run([...picked.keys()]); },
  }, label, " ✕")));
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); };
  const choose = (option) => {
    close();
    if (many) { picked.set(option.value, option.label); input.value = ""; showChips(); run([...picked.keys()]); }
    else { input.value = option.label; run(option.value); }
  };
  const mark = (index) => {
    at = index;
    [...list.querySelectorAll("[role=option]")].forEach((node, position) => {
      node.setAttribute("aria-selected", String(position === at));
      if (position === at) { node.scrollIntoView({ block: "nearest" }); input.setAttribute("aria-activedescendant", node.id); }
    });
  };
  const refresh = async (typed) => {
    const mine = asked += 1;
    const found = await optionsFor(item, typed, surface).catch((error) => { toast(`No options: ${error.message}`); return []; });
    if (mine !== asked || document.activeElement !== input) return;
    const wanted = typed.toLowerCase();
    const fitting = isExternal ? found : found.filter((option) => option.group || option.label.toLowerCase().includes(wanted));
    shown = fitting.filter((option) => !option.group);
    list.replaceChildren(...fitting.map((option) => (option.group
      ? h("li.group", {}, option.group)
      : h("li", { role: "option", id: `${list.id}-${option.value}`, onpointerdown: (event) => { event.preventDefault(); choose(option); } }, textObject({ text: option.label })))));
    if (!shown.length) list.replaceChildren(h("li.group", {}, "Nothing found"));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(shown.length ? 0 : -1);
  };
  input.addEventListener("focus", () => { input.select(); refresh(""); });
  input.addEventListener("input", () => refresh(input.value));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) refresh(input.value);
      else mark((at + (event.key === "ArrowDown" ? 1 : shown.length - 1)) % Math.max(1, shown.length));
    } else if (event.key === "Enter" && !list.hidden && shown[at]) { event.preventDefault(); choose(shown[at]); }
    else if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
  });
  showChips();
  return h("div.combo", {}, many && chips, input, list);
}

const ELEMENTS = {
  "": (item) => h("span.quiet", {}, `(${item.type})`),
  button, overflow, workflow_button: button,
  image: (item) => h("img", { src: safeUrl(item.image_url) ?? "", alt: item.alt_text ?? "", loading: "lazy" }),
  checkboxes: choices("checkbox"),
  radio_buttons: choices("radio"),
  datepicker: picker("date", "initial_date"),
  timepicker: picker("time", "initial_time"),
};
