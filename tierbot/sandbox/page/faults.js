// Switches for injected faults: a card at the bottom of the panel.
import { act, look } from "./api.js";
import { h, toast } from "./dom.js";

const SHARES = [
  ["api_429", "Calls refused (429)"], ["api_500", "Calls failing (500)"], ["api_lost_answer", "Calls done, answers lost"],
  ["lost_ack", "Acks lost"], ["slow_ack", "Acks slow"], ["drop_event", "Events dropped"],
  ["duplicate_event", "Events sent twice"], ["reorder_event", "Events out of order"],
];
const MOMENTS = [
  ["Warn", "sockets", { do: "disconnect", reason: "warning" }], ["Refresh", "sockets", { do: "disconnect", reason: "refresh_requested" }],
  ["Link disabled", "sockets", { do: "disconnect", reason: "link_disabled" }],
  ["Too many sockets", "sockets", { do: "disconnect", reason: "too_many_websockets" }], ["Cut", "sockets", { do: "cut" }],
  ["Silence", "sockets", { do: "silence" }], ["Wake", "sockets", { do: "wake" }],
  ["Revoke token", "revoke", {}], ["Restore token", "revoke", { restore: true }],
  ["Archive channel", "archive", { archived: true }], ["Unarchive channel", "archive", { archived: false }],
  ["Remove the bot", "leave", { user: "tierbot" }], ["Invite the bot", "join", { user: "tierbot" }],
  ["Make channel private", "private", {}], ["Change channel id", "change_id", {}], ["Delete channel", "delete_channel", {}],
  ["Limit events", "faults", { events_limited: true }], ["Reduce history limits", "faults", { reduced_history: true }],
  ["Delete newest post", "delete", {}], ["Truncate user lists", "faults", { cut_users: 1 }],
  ["Refuse connections", "faults", { link_disabled: true }], ["Turn connections away", "faults", { too_many_websockets: true }],
];

export function drawFaults() {
  const sliders = new Map();
  const set = (body, method) => act("faults", body, method).then(({ faults }) => show(faults)).catch((error) => toast(error.message));
  const show = (faults) => sliders.forEach(({ input, output }, name) => {
    input.value = String(100 * (faults[name] ?? 0));
    output.textContent = `${Math.round(100 * (faults[name] ?? 0))}%`;
  });
  const rows = SHARES.map(([name, label]) => {
    const output = h("output", {}, "0%");
    const input = h("input", { type: "range", min: "0", max: "100", step: "5", value: "0", onchange: () => set({ [name]: Number(input.value) / 100 }),
      oninput: () => { output.textContent = `${input.value}%`; } });
    sliders.set(name, { input, output });
    return h("label", {}, label, input, output);
  });
  const card = h("details.card", {}, h("summary", {}, "Faults: simulate Slack problems"),
    h("div.faults", {}, rows,
      h("div.row", {}, MOMENTS.map(([label, what, body]) => h("button.button", { type: "button", onclick: () => act(what, body).then(() => toast(`${label}: done`)).catch((error) => toast(error.message)) }, label))),
      h("div.row", {}, h("button.button.danger", { type: "button", onclick: () => set({}, "DELETE") }, "Clear all faults"))));
  card.addEventListener("toggle", () => { if (card.open) look("faults").then(({ faults }) => show(faults)).catch(() => {}); });
  return card;
}
