// All kinds of selects as one searchable combobox: arrows move, Enter picks, Escape closes.
import { h, toast } from "./dom.js";
import { state, userName } from "./state.js";
import { textObject, textString } from "./text.js";

let counter = 0;

/** Returns a select's options: its own, the workspace's people or channels, or the app's suggestions. */
async function optionsFor(item, typed, surface) {
  const kind = item.type.replace("multi_", "");
  const named = (pairs) => pairs.map(([value, text]) => ({ value, text: { text, emoji: false } }));
  if (kind === "users_select") return named([...state.users.values()].map((user) => [user.id, userName(user.id)]));
  if (kind === "channels_select" || kind === "conversations_select") {
    return named([...state.channels.values()].filter((c) => !c.is_im).map((c) => [c.id, `#${c.name}`]));
  }
  const source = kind === "external_select" ? await surface.suggest(item, typed) : item;
  if (source.option_groups) {
    return source.option_groups.flatMap((group) => [{ group: group.label }, ...group.options]);
  }
  return source.options ?? [];
}

/** A select element; calls `run(value)` with the choice, or with all chosen values of a multi-select. */
export function select(item, run, surface, id) {
  return new Select(item, run, surface, id).node;
}

class Select {
  constructor(item, run, surface, id) {
    Object.assign(this, { item, run, surface, shown: [], at: -1, asked: 0 });
    this.many = item.type.startsWith("multi_");
    this.external = item.type.endsWith("external_select");
    this.picked = new Map((item.initial_options ?? []).map((option) => [option.value, option.text]));
    this.list = h("ul", { role: "listbox", id: `list-${counter += 1}`, hidden: true });
    this.chips = h("div.chips");
    this.input = h("input.field", {
      id, role: "combobox", "aria-expanded": "false", "aria-controls": this.list.id, "aria-autocomplete": "list",
      autocomplete: "off", placeholder: textString(item.placeholder) || (this.external ? "Type to search" : "Choose"),
    });
    this.input.value = textString(item.initial_option?.text);
    this.input.addEventListener("focus", () => { this.input.select(); this.refresh(""); });
    this.input.addEventListener("input", () => this.refresh(this.input.value));
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.node = h("div.combo", {}, this.many && this.chips, this.input, this.list);
    this.showChips();
  }

  showChips() {
    this.chips.replaceChildren(...[...this.picked].map(([value, text]) => h("button.chip", {
      type: "button", "aria-label": `Remove ${textString(text)}`,
      onclick: () => { this.picked.delete(value); this.showChips(); this.run([...this.picked.keys()]); },
    }, textObject(text), h("span.cross", { "aria-hidden": "true" }, "✕"))));
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }

  choose(option) {
    this.close();
    if (!this.many) {
      this.input.value = textString(option.text);
      this.run(option.value);
      return;
    }
    const most = this.item.max_selected_items ?? Infinity;
    if (!this.picked.has(option.value) && this.picked.size >= most) {
      toast(`You can choose up to ${most}.`);
      return;
    }
    this.picked.set(option.value, option.text);
    this.input.value = "";
    this.showChips();
    this.run([...this.picked.keys()]);
  }

  mark(index) {
    this.at = index;
    [...this.list.querySelectorAll("[role=option]")].forEach((node, position) => {
      node.setAttribute("aria-selected", String(position === index));
      if (position !== index) return;
      node.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", node.id);
    });
  }

  async refresh(typed) {
    const mine = this.asked += 1;
    const found = await optionsFor(this.item, typed, this.surface).catch((error) => {
      toast(`Can't load the options: ${error.message}`);
      return [];
    });
    if (mine !== this.asked || document.activeElement !== this.input) return;
    const wanted = typed.toLowerCase();
    const fitting = this.external ? found : found.filter((option) => option.group || option.text.text.toLowerCase().includes(wanted));
    this.shown = fitting.filter((option) => !option.group);
    this.list.replaceChildren(...fitting.map((option, index) => this.entry(option, index)));
    if (!this.shown.length) this.list.replaceChildren(h("li.group", {}, "Nothing found"));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(this.shown.length ? 0 : -1);
  }

  entry(option, index) {
    if (option.group) return h("li.group", {}, textObject(option.group));
    const take = (event) => { event.preventDefault(); this.choose(option); };
    return h("li", { role: "option", id: `${this.list.id}-${index}`, onpointerdown: take }, textObject(option.text));
  }

  key(event) {
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : this.shown.length - 1;
      if (open) this.mark((this.at + step) % Math.max(1, this.shown.length));
      else this.refresh(this.input.value);
    } else if (event.key === "Enter" && open && this.shown[this.at]) this.choose(this.shown[this.at]);
    else if (event.key === "Escape" && open) { event.stopPropagation(); this.close(); }
    else return;
    event.preventDefault();
  }
}
