// Interactive elements: buttons, menus, selects, choices and text inputs, all usable with the keyboard.
import { h, safeUrl } from "./dom.js";
import { openMenu } from "./menu.js";
import { select } from "./select.js";
import { textObject, textString } from "./text.js";

let counter = 0;

/** An element that reports each use immediately (`block_actions`). */
export function element(item, block, surface) {
  const build = ELEMENTS[item.type] ?? (item.type.endsWith("_select") ? select : ELEMENTS[""]);
  return build(item, (value) => surface.run({ action_id: item.action_id, block_id: block.block_id, value }), surface);
}

/** An input block: label, element, hint; its value stays in `surface.values` until the form is submitted. */
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
    block.hint && h("span.input-hint", {}, textObject(block.hint)),
    h("div.problem", { role: "alert", dataset: { problem: block.block_id } }));
}

function button(item, run) {
  const style = item.style ? `.${item.style}` : "";
  const node = h(`button.button${style}`, { type: "button", "aria-label": item.accessibility_label }, textObject(item.text));
  node.addEventListener("click", async () => {
    if (item.confirm && !confirm(textString(item.confirm.text) || "Sure?")) return;
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
    label: textObject(option.text), run: () => run(option.value),
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
    placeholder: textString(item.placeholder) || null, type: multiline ? null : { number_input: "number", url_text_input: "url", email_text_input: "email" }[item.type] ?? "text",
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

const ELEMENTS = {
  "": (item) => h("span.quiet", {}, `(${item.type})`),
  button, overflow, workflow_button: button,
  image: (item) => h("img", { src: safeUrl(item.image_url) ?? "", alt: item.alt_text ?? "", loading: "lazy" }),
  checkboxes: choices("checkbox"),
  radio_buttons: choices("radio"),
  datepicker: picker("date", "initial_date"),
  timepicker: picker("time", "initial_time"),
};
