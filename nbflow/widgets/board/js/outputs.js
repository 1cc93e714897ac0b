// What a cell printed and drew. Markup from a notebook is shown in a frame that runs no script and loads
// nothing: it can style itself and that is all.

const FRAME_RULES = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:";
const FRAME_STYLE =
  ":root{color-scheme:SCHEME}body{margin:0;font:13px/1.45 system-ui,sans-serif;overflow-x:auto;color:light-dark(#24292f,#d7dce2)}" +
  "table{border-collapse:collapse;font-size:12px}th,td{padding:3px 8px;text-align:right;border-bottom:1px solid light-dark(#d8dee4,#30363d)}" +
  "pre{margin:0;white-space:pre-wrap}img,svg{max-width:100%}";
const TALLEST = 480; // px of a frame, at first
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"]);
const RICHEST = [
  "image/svg+xml",
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "text/html",
  "text/markdown",
  "text/latex",
  "application/json",
  "text/plain",
];

const NOTHING = "This try printed and drew nothing.";

/** All outputs of a try, by cells; a flat list is taken as it comes. */
function showOutputs(outputs) {
  const cells = (outputs ?? []).map((entry) =>
    entry.outputs ? entry : { cell: entry.cell, source: entry.source, outputs: [entry] },
  );
  if (!cells.some((cell) => cell.outputs.length)) cells.splice(0, 0, null);
  if (cells.length === 1 && !cells[0]) return [make("p", { class: "nbf-quiet" }, NOTHING)];
  let source = null;
  return cells.map((cell) => {
    if (!cell) return make("p", { class: "nbf-quiet" }, NOTHING);
    const fold =
      cell.source && cell.source !== source
        ? make(
            "details",
            { class: "nbf-source" },
            make("summary", {}, cell.cell ? `Cell ${cell.cell}` : "Code"),
            make("pre", {}, cell.source),
          )
        : null;
    source = cell.source;
    return make("div", { class: "nbf-cell-output" }, fold, cell.outputs.map(showOutput));
  });
}

/** One output: `{mime, data}`, or a bundle `{data: {mime: data}}` of which the richest is shown. */
function showOutput(output) {
  let { mime, data } = output;
  if (!mime && data && typeof data === "object") {
    mime = RICHEST.find((one) => data[one] !== undefined) ?? Object.keys(data)[0] ?? "text/plain";
    data = data[mime];
  }
  const text = Array.isArray(data) ? data.join("") : data;
  if (PICTURES.has(mime)) return picture(mime, String(text));
  if (mime === "text/html") return frame(String(text));
  if (mime === "application/vnd.jupyter.error" || mime === "error")
    // Its columns mean something, so its lines are not broken; who has no mouse scrolls it by the arrow keys.
    return make(
      "pre",
      { class: "nbf-output nbf-error", tabindex: "0", role: "group", "aria-label": "traceback" },
      ...ansi(String(text)),
    );
  const said = typeof text === "string" ? text : JSON.stringify(text, null, 2);
  return make("pre", { class: `nbf-output${output.name === "stderr" ? " nbf-stderr" : ""}` }, ...ansi(said ?? ""));
}

function picture(mime, data) {
  const address = data.startsWith("data:")
    ? data
    : mime === "image/svg+xml"
      ? `data:${mime};utf8,${encodeURIComponent(data)}`
      : `data:${mime};base64,${data.replace(/\s/g, "")}`;
  return make("img", { class: "nbf-output nbf-picture", alt: "plot", src: address });
}

/** Markup in a frame of its own, as tall as what it holds. */
function frame(markup) {
  const scheme =
    getComputedStyle(document.querySelector(".nbf-board") ?? document.body).colorScheme || "light dark";
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${FRAME_RULES}"><style>${FRAME_STYLE.replace("SCHEME", scheme)}</style><body>${markup}`;
  // The same origin lets this page measure it; without allow-scripts nothing in it can use that.
  const node = make("iframe", {
    class: "nbf-output",
    sandbox: "allow-same-origin",
    title: "output",
    srcdoc: page,
  });
  node.addEventListener("load", () => {
    const body = node.contentDocument?.body;
    const height = body ? Math.max(body.scrollHeight, body.getBoundingClientRect().height) : 200;
    node.style.height = `${Math.min(Math.ceil(height) + 2, TALLEST)}px`;
  });
  return node;
}

// eslint-disable-next-line no-control-regex
const ANSI = /\u001b\[([0-9;]*)m/;
const OTHER_ANSI = /\u001b(?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\[[0-9;?]*[A-Za-ln-z])/g; // links, moves of the cursor

/** Text for a terminal as pieces of text, coloured as it says. */
function ansi(text) {
  const pieces = [];
  let classes = [];
  text
    .replace(OTHER_ANSI, "")
    .split(ANSI)
    .forEach((part, at) => {
      if (at % 2) classes = ansiClasses(part, classes);
      else if (part) pieces.push(classes.length ? make("span", { class: classes.join(" ") }, part) : part);
    });
  return pieces;
}

function ansiClasses(codes, before) {
  let classes = before;
  const numbers = codes.split(";").map(Number);
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at];
    const without = (stem) => classes.filter((name) => !name.startsWith(stem));
    if (code === 0) classes = [];
    else if (code === 1) classes = [...without("nbf-ansi-bold"), "nbf-ansi-bold"];
    else if (code === 22) classes = without("nbf-ansi-bold");
    else if (code >= 30 && code <= 37) classes = [...without("nbf-ansi-c"), `nbf-ansi-c${code - 30}`];
    else if (code >= 90 && code <= 97) classes = [...without("nbf-ansi-c"), `nbf-ansi-c${code - 90}`];
    else if (code === 39) classes = without("nbf-ansi-c");
    else if (code === 38 || code === 48) at += numbers[at + 1] === 5 ? 2 : 4;
  }
  return classes;
}
