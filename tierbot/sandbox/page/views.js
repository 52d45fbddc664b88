// Modals and App Home.
import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { $, h, toast } from "./dom.js";
import { state } from "./state.js";
import { textObject } from "./text.js";

let shown = null;

const surfaceOf = (kind, view) => ({
  kind,
  values: {},
  run: async (action) => {
    const where = kind === "home" ? { home: true } : { view_id: view.id };
    try {
      const seen = await act("action", { user: state.me, ...where, ...action });
      if (seen.error) toast(`The app did not answer (${seen.error}).`);
    } catch (error) { toast(`That did not work: ${error.message}`); }
  },
  suggest: (element, value) => act("suggest", { user: state.me, view_id: view.id, action_id: element.action_id, value }),
});

/** Shows the current user's topmost open modal, if any. */
export function openViews() {
  const view = state.views.at(-1);
  const dialog = $("modal");
  if (!view) {
    shown = null;
    if (dialog.open) dialog.close();
    return;
  }
  if (shown === view.id + view.hash) return;
  shown = view.id + view.hash;
  dialog.replaceChildren(form(view));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(".modal-body input, .modal-body textarea, .modal-body select, footer .primary")?.focus();
}

function form(view) {
  const surface = surfaceOf("modal", view);
  const send = view.submit && h("button.button.primary", { type: "submit" }, textObject(view.submit));
  const node = h("form", { novalidate: true },
    h("header", {}, h("h2", { id: "modal-title" }, textObject(view.title)),
      h("button.icon-button", { type: "button", "aria-label": "Close", onclick: () => close(view) }, "✕")),
    h("div.modal-body", {}, blocks(view.blocks, surface)),
    h("footer", {}, h("button.button", { type: "button", onclick: () => close(view) }, view.close ? textObject(view.close) : (view.submit ? "Cancel" : "Close")), send));
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const problem of node.querySelectorAll("[data-problem]")) problem.textContent = "";
    send?.setAttribute("aria-busy", "true");
    try {
      const seen = await act("submit", { user: state.me, view_id: view.id, values: surface.values });
      if (seen.error) toast(`We had some trouble connecting (${seen.error}). Try again?`);
      for (const [block, text] of Object.entries(seen.errors ?? {})) complain(node, block, text);
    } catch (error) {
      if (error.message === "missing_required_input") complain(node, error.body.block_id, "Please complete this required field.");
      else toast(`That did not work: ${error.message}`);
    } finally { send?.removeAttribute("aria-busy"); }
  });
  return node;
}

function complain(node, block, text) {
  const problem = node.querySelector(`[data-problem="${CSS.escape(block)}"]`);
  if (problem) problem.textContent = text;
  else toast(text);
}

function close(view) {
  act("close_view", { user: state.me, view_id: view.id }).catch(() => openViews());
}

export function setUpModal() {
  $("modal").addEventListener("cancel", (event) => {
    event.preventDefault();
    const view = state.views.at(-1);
    if (view) close(view);
  });
}

/** Applies a change to a modal or App Home from the stream. */
export function viewChanged(change) {
  if (change.user !== state.me) return;
  const { view } = change;
  if (view.type === "home") {
    state.home = view;
    if (state.place.kind === "home") drawHome();
    return;
  }
  const known = state.views.findIndex((one) => one.id === view.id);
  if (change.change === "closed") state.views = state.views.filter((one) => one.id !== view.id);
  else if (known >= 0) state.views[known] = view;
  else if (view.previous_view_id) state.views.push(view);
  else state.views = [view];
  openViews();
}

export function drawHome() {
  const home = $("home");
  if (!state.home) {
    home.replaceChildren(h("div.empty", {}, h("strong", {}, "This app has no home yet"), "Its home appears here when the bot publishes it."));
    return;
  }
  home.replaceChildren(blocks(state.home.blocks, surfaceOf("home", state.home)));
}
