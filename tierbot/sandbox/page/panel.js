// "What tierbot learned": accuracy by round, the last verdicts, the model in service, one dataset row.
import { $, h, svg } from "./dom.js";
import { glyph } from "./emoji.js";
import { drawFaults } from "./faults.js";
import { state, userName } from "./state.js";
import { ago } from "./text.js";

const percent = (value, digits = 1) => (value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)}%`);
let known = new Set();
let faultsCard = null;

/** Draws the panel; `reveal(channel, ts)` scrolls to a post in its channel. */
export function drawPanel(panel, reveal) {
  const body = $("panel-body");
  faultsCard ??= drawFaults();
  if (!panel) {
    body.replaceChildren(h("div.card", {}, h("h3", {}, "Nothing yet"),
      h("p.quiet", {}, "React to a post with an emoji. What the bot learns from it appears here.")), faultsCard);
    return;
  }
  body.replaceChildren(...[
    panel.accuracy?.length && accuracy(panel.accuracy, panel.change, panel.overall, panel.gain),
    panel.verdicts && verdicts(panel.verdicts, reveal),
    panel.model && model(panel.model),
    panel.drift?.signals?.length && drift(panel.drift.signals),
    panel.row && row(panel.row),
  ].filter(Boolean), faultsCard);
  known = new Set((panel.verdicts ?? []).map((one) => one.ts));
}

function accuracy(rounds, change, overall, gain) {
  const now = rounds.at(-1);
  const several = overall?.rounds > 1 && overall.all?.n > 0;
  return h("section.card", { "aria-label": "Accuracy by round" },
    h("h3", {}, "Accuracy by round"),
    h("div.big-number", {}, h("b", {}, percent(now.all?.value)), change && changed(change),
      h("span.quiet", {}, `round ${now.round}${now.open ? " so far" : ""}, ${now.all?.n ?? 0} posts`)),
    several && h("p.quiet.overall", {}, `${percent(overall.all.value)} over all ${overall.rounds} rounds, ${overall.all.n} posts`),
    gain && h("p.quiet.gain", {}, gained(gain)),
    chart(rounds),
    h("div.legend", {}, h("span", {}, h("i"), "all posts"), h("span", {}, h("i.b"), "blank posts (no hint shown)")));
}

/** The change since the previous round; an arrow only if it is more than chance. */
function changed(change) {
  const points = `${Math.abs(100 * change.value).toFixed(1)} points`;
  if (change.chance) return h("span.delta", {}, `${change.value < 0 ? "−" : "+"}${points}, may be chance`);
  return change.value > 0 ? h("span.delta.up", {}, `▲ ${points}`) : h("span.delta.down", {}, `▼ ${points}`);
}

/** What learning gained: the models of a round beside the first model, on the same stories. */
function gained(gain) {
  const points = (value) => (100 * value).toFixed(0).replace("-", "−");
  const more = `${points(Math.abs(gain.value))} points ${gain.value < 0 ? "less" : "more"} often`;
  return `Round ${gain.round}: right ${more} than the first model would have been on the same ${gain.n} stories (95%: ${points(gain.low)} to ${points(gain.high)})`;
}

const BOX = { width: 320, height: 150, left: 34, right: 8, top: 8, bottom: 20 };

function chart(rounds) {
  const values = rounds.flatMap((one) => [one.all, one.blank]).filter((one) => one?.n > 0).flatMap((one) => [one.low, one.high, one.value]);
  const low = Math.max(0, Math.floor((Math.min(...values, 1) - 0.03) * 10) / 10);
  const high = Math.min(1, Math.ceil((Math.max(...values, 0) + 0.03) * 10) / 10);
  const x = (index) => BOX.left + (rounds.length < 2 ? 0.5 : index / (rounds.length - 1)) * (BOX.width - BOX.left - BOX.right - 16) + 8;
  const y = (value) => BOX.top + (1 - (value - low) / Math.max(0.1, high - low)) * (BOX.height - BOX.top - BOX.bottom);
  const summary = rounds.map((one) => `round ${one.round}: ${percent(one.all?.value)}`).join(", ");
  const node = svg("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, class: "chart", role: "img", "aria-label": `Accuracy by round. ${summary}` });
  const step = high - low > 0.5 ? 0.2 : 0.1;
  for (let line = low; line <= high + 1e-9; line += step) {
    node.append(svg("line", { class: "grid", x1: BOX.left, x2: BOX.width - BOX.right, y1: y(line), y2: y(line) }),
      svg("text", { x: BOX.left - 6, y: y(line) + 3.5, "text-anchor": "end" }, percent(line, 0)));
  }
  const every = Math.ceil(rounds.length / 10);
  rounds.forEach((one, index) => {
    if (index % every === 0) node.append(svg("text", { x: x(index), y: BOX.height - 4, "text-anchor": "middle" }, String(one.round)));
  });
  const all = rounds.map((one, index) => ({ ...one.all, index, round: one.round })).filter((one) => one.n > 0);
  const blank = rounds.map((one, index) => ({ ...one.blank, index, round: one.round })).filter((one) => one.n > 0);
  const path = (points, key) => points.map((one) => `${x(one.index).toFixed(1)},${y(one[key]).toFixed(1)}`);
  if (all.length === 1) node.append(svg("line", { class: "whisker all", x1: x(all[0].index), x2: x(all[0].index), y1: y(all[0].low), y2: y(all[0].high) }));
  if (all.length > 1) node.append(svg("polygon", { class: "band", points: [...path(all, "high"), ...path(all, "low").reverse()].join(" ") }));
  if (blank.length > 1) node.append(svg("polyline", { class: "blank-line", points: path(blank, "value").join(" "), transform: "translate(6 0)" }));
  node.append(svg("polyline", { class: "line", points: path(all, "value").join(" ") }));
  for (const one of blank) {
    const label = `round ${one.round}, blank: ${percent(one.value)} (${percent(one.low, 0)} to ${percent(one.high, 0)}), n = ${one.n}`;
    node.append(svg("line", { class: "whisker", x1: x(one.index) + 6, x2: x(one.index) + 6, y1: y(one.low), y2: y(one.high) }),
      svg("circle", { class: "blank", cx: x(one.index) + 6, cy: y(one.value), r: 3 }, svg("title", {}, label)));
  }
  for (const one of all) {
    const label = `round ${one.round}: ${percent(one.value)} (${percent(one.low, 0)} to ${percent(one.high, 0)}), n = ${one.n}`;
    node.append(svg("circle", { class: "dot", cx: x(one.index), cy: y(one.value), r: 4 }, svg("title", {}, label)));
  }
  return node;
}

function verdicts(list, reveal) {
  return h("section.card", { "aria-label": "Last verdicts" }, h("h3", {}, "Last verdicts"),
    list.length === 0 && h("p.quiet", {}, "None yet. A post is settled when two colleagues agree."),
    h("div.verdicts", {}, list.slice(0, 12).map((one) => {
      const node = h("button.verdict", { type: "button", title: one.title, onclick: () => reveal(one.channel, one.ts) },
        h("span.title", {}, one.title), reward(one), h("span.says", {}, says(one)));
      if (known.size && !known.has(one.ts)) node.classList.add("fresh");
      return node;
    })));
}

function reward(one) {
  if (one.reward === null || one.reward === undefined) return h("span.reward", {}, "–");
  const kind = one.reward > 0.67 ? ".good" : one.reward < 0.33 ? ".bad" : ".mixed";
  return h(`span.reward${kind}`, { title: "reward, from 0 to 1" }, one.reward.toFixed(2));
}

function says(one) {
  const said = one.votes ?? [];
  const own = said.filter((vote) => vote.user === state.me); // never hide the user's own vote behind "+3"
  const votes = [...own, ...said.filter((vote) => vote.user !== state.me)].map((vote) => h("span", {}, `${userName(vote.user).split(" ")[0]} `, vote.names.map((name) => glyph(name))));
  const settled = (one.settled ?? []).length ? one.settled.map((name) => glyph(name)) : h("span", {}, one.outcome ?? "undecided");
  return [one.shown && h("span", {}, "guess ", glyph(one.shown)), ...votes.slice(0, 4), votes.length > 4 && h("span", {}, `+${votes.length - 4}`),
    h("b.settled", {}, h("span.arrow", {}, "→ "), settled)];
}

function model(one) {
  const since = one.since && new Date(one.since);
  const facts = [["version", one.version], ["since", since && !Number.isNaN(since.getTime()) ? ago(since) : one.since],
    ["accuracy", typeof one.accuracy === "number" ? percent(one.accuracy) : one.accuracy], ["trained on", one.trained_on?.toLocaleString?.() && `${one.trained_on.toLocaleString()} rows`]];
  return h("section.card", { "aria-label": "Model in service" }, h("h3", {}, "Model in service"),
    h("dl.facts", {}, facts.filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))])));
}

function drift(signals) {
  return h("section.card", { "aria-label": "Drift" }, h("h3", {}, "Drift ", h("small", {}, "newest posts compared with earlier ones")),
    h("dl.facts", {}, signals.slice(0, 5).map((one) => [h("dt", {}, `${one.tag}: ${one.changed}`),
      h("dd", {}, `${percent(one.before / one.before_of, 0)} → ${percent(one.now / one.now_of, 0)}`)])));
}

function row(value) {
  return h("section.card", { "aria-label": "One dataset row" }, h("h3", {}, "One dataset row ", h("small", {}, "as exported")), h("pre.row-json", { tabindex: "0" }, highlighted(JSON.stringify(value, null, 1))));
}

function highlighted(text) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null/g)) {
    nodes.push(text.slice(last, match.index));
    const kind = match[2] ? ".key" : match[1] ? ".str" : ".num";
    nodes.push(h(`span${kind}`, {}, match[1] ?? match[0]), match[2] ?? "");
    last = match.index + match[0].length;
  }
  nodes.push(text.slice(last));
  return nodes;
}
