// A small menu next to a button: arrow keys move, Escape closes.
import { $, h, place } from "./dom.js";

let opener = null;

/** items: {label, run, warn?}, or null for a separator. */
export function openMenu(anchor, items) {
  const menu = $("menu");
  menu.replaceChildren(...items.map((item) => (item
    ? h(`button${item.warn ? ".warn" : ""}`, { type: "button", role: "menuitem", onclick: () => { closeMenu(); item.run(); } }, item.label)
    : h("hr"))));
  const host = anchor.closest("dialog") ?? document.body;
  host.append(menu);
  menu.hidden = false;
  place(menu, anchor);
  opener = anchor;
  menu.querySelector("button")?.focus();
}

export function closeMenu({ refocus = true } = {}) {
  if ($("menu").hidden) return;
  $("menu").hidden = true;
  if (refocus) opener?.focus();
}

export function setUpMenu() {
  const menu = $("menu");
  menu.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button")];
    const index = buttons.indexOf(document.activeElement);
    if (event.key === "ArrowDown") buttons[(index + 1) % buttons.length].focus();
    else if (event.key === "ArrowUp") buttons[(index + buttons.length - 1) % buttons.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") closeMenu();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.hidden && !menu.contains(event.target)) closeMenu({ refocus: false });
  });
}
