// Renders Block Kit as Slack does. `surface` is where the blocks appear, so that clicks name their container.
import { element, inputElement } from "./elements.js";
import { glyph } from "./emoji.js";
import { h, safeUrl } from "./dom.js";
import { mrkdwn, textObject } from "./text.js";
import { userName } from "./state.js";

/** A node with all blocks. `surface`: {kind: "message"|"modal"|"home", key, run(action), suggest(element, text)}. */
export function blocks(list, surface) {
  return h("div.blocks", {}, list.map((block) => render(block, surface)));
}

function render(block, surface) {
  const renderer = RENDERERS[block.type];
  const node = renderer ? renderer(block, surface) : h("p.quiet", {}, `(${block.type})`);
  if (block.block_id) node.dataset.block = block.block_id;
  return node;
}

function section(block, surface) {
  return h("div.section", {},
    h("div", {},
      block.text && h("div.text", {}, textObject(block.text)),
      block.fields && h("div.fields", {}, block.fields.map((field) => h("div", {}, textObject(field))))),
    block.accessory && h("div.accessory", {}, element(block.accessory, block, surface)));
}

function picture(block) {
  const source = safeUrl(block.image_url ?? block.slack_file?.url ?? (block.slack_file ? `/files/${block.slack_file.id}` : ""));
  return h("figure.picture", {},
    block.title && h("figcaption", {}, textObject(block.title)),
    source && h("img", { src: source, alt: block.alt_text ?? "", loading: "lazy" }));
}

function context(block) {
  return h("div.context", {}, block.elements.map((item) => (
    item.type === "image"
      ? h("img", { src: safeUrl(item.image_url) ?? "", alt: item.alt_text ?? "", loading: "lazy" })
      : h("span.text", {}, textObject(item)))));
}

function actions(block, surface) {
  return h("div.actions", {}, block.elements.map((item) => element(item, block, surface)));
}

function richText(block) {
  return h("div.section", {}, h("div.text", {}, block.elements.map(richPart)));
}

function richPart(part) {
  if (part.type === "rich_text_list") {
    const items = part.elements.map((item) => h("li", {}, item.elements.map(richLeaf)));
    return h(part.style === "ordered" ? "ol" : "ul", {}, items);
  }
  const children = (part.elements ?? []).map(richLeaf);
  if (part.type === "rich_text_preformatted") return h("pre", {}, children);
  if (part.type === "rich_text_quote") return h("blockquote", {}, children);
  return h("div", {}, children);
}

function richLeaf(leaf) {
  if (leaf.type === "emoji") return glyph(leaf.name);
  if (leaf.type === "user") return h("span.mention", {}, `@${userName(leaf.user_id)}`);
  if (leaf.type === "link") {
    const url = safeUrl(leaf.url);
    return url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, leaf.text ?? leaf.url) : leaf.text ?? leaf.url;
  }
  let node = leaf.text ?? "";
  for (const [style, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]]) {
    if (leaf.style?.[style]) node = h(tag, {}, node);
  }
  return node;
}

function markdown(block) {
  const asMrkdwn = block.text
    .replace(/^#{1,6}\s+(.*)$/gm, "*$1*")
    .replace(/\*\*(.+?)\*\*/g, "*$1*")
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, "<$2|$1>");
  return h("div.section", {}, h("div.text", {}, mrkdwn(asMrkdwn)));
}

function table(block) {
  const cell = (item) => h("td", {}, item.type === "rich_text" ? item.elements.map(richPart) : item.text ?? "");
  return h("table.table", {}, h("tbody", {}, block.rows.map((row) => h("tr", {}, row.map(cell)))));
}

const RENDERERS = {
  section, context, actions, table, markdown,
  header: (block) => h("div.block-header", { role: "heading", "aria-level": "3" }, textObject(block.text)),
  divider: () => h("hr.divider"),
  image: picture,
  input: inputElement,
  rich_text: richText,
  context_actions: actions,
};
