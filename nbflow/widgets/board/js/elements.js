// DOM elements from data. Names, errors and values reach the page as text and attributes only: nothing
// here, or in any file beside it, reads markup from data.

const SVG = "http://www.w3.org/2000/svg";

// What shows a text in another order than it has, and what no font shows.
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text as it is, with a sign where something unseen would be. */
function plain(text) {
  return typeof text === "string" ? text.replace(UNSEEN, "\ufffd") : text;
}

function kept(children) {
  return children
    .flat(2)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map(plain);
}

/**
 * Give an element its properties and children.
 * `on…` listens; `class`, `data-…`, `aria-…` and the rest are attributes; null and false leave one out.
 */
function dress(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...kept(children));
  return node;
}

/** An HTML element. */
function make(tag, properties, ...children) {
  return dress(document.createElement(tag), properties, children);
}

/** An SVG element. */
function draw(tag, properties, ...children) {
  return dress(document.createElementNS(SVG, tag), properties, children);
}

/** A button that looks like what it does: "primary", "danger", "plain" (text only) or "". */
function button(text, onclick, { kind = "", ...rest } = {}) {
  const looks = ["button", ...kind.split(" ").filter(Boolean)].map((name) => `nbf-${name}`);
  return make("button", { type: "button", class: looks.join(" "), onclick, ...rest }, text);
}

/** Put these in place of what a node holds. */
function fill(node, ...children) {
  node.replaceChildren(...kept(children));
  return node;
}

let lastIdentity = 0;

/** An id that no other element of the page has, also where several boards stand on it. */
function identity(stem) {
  lastIdentity += 1;
  return `nbf-${stem}-${lastIdentity}`;
}

/** Run `work` at the next frame; many calls before it make one. */
function atNextFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
