// Helpers that build the page from nodes; text is only ever added as text nodes, never as markup.
export const $ = (id) => document.getElementById(id);

/** h("button.pill", {onclick, "aria-label": …}, child, …): an element with classes, attributes and children. */
export function h(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (key in node && typeof value !== "string") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Puts a floating element next to an anchor, inside the window. */
export function place(floating, anchor, { above = false, gap = 6 } = {}) {
  const spot = anchor.getBoundingClientRect();
  const { width, height } = floating.getBoundingClientRect();
  const room = { x: innerWidth - width - 8, y: innerHeight - height - 8 };
  let top = above ? spot.top - height - gap : spot.bottom + gap;
  if (above && top < 8) top = spot.bottom + gap;
  if (!above && top > room.y) top = spot.top - height - gap;
  floating.style.left = `${Math.max(8, Math.min(spot.left, room.x))}px`;
  floating.style.top = `${Math.max(8, Math.min(top, room.y))}px`;
}

export function toast(text) {
  const node = h("div.toast", {}, text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), 4500);
}

/** Returns an http(s) or mailto link target, null for anything else. */
export function safeUrl(url) {
  try {
    const parsed = new URL(String(url), location.href);
    return ["http:", "https:", "mailto:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

let tipTimer = 0;
/** Shows `content()` above a node while it is hovered or focused. */
export function tooltip(node, content) {
  const show = () => {
    clearTimeout(tipTimer);
    tipTimer = setTimeout(() => {
      if (!node.isConnected) return;
      $("tip").replaceChildren(...content());
      $("tip").hidden = false;
      place($("tip"), node, { above: true });
    }, 120);
  };
  const hide = () => { clearTimeout(tipTimer); $("tip").hidden = true; };
  node.addEventListener("pointerenter", show);
  node.addEventListener("focus", show);
  for (const name of ["pointerleave", "blur", "click"]) node.addEventListener(name, hide);
}
