// What panels have in common.

// What the menu of a square's panel copies, by the name of the command.
const COPIES = { test: "Copy nbflow test …", logs: "Copy nbflow logs …", pull: "Copy %nbflow pull …" };

/** The head of every panel: a picture, a name, where it belongs, and a way out. */
function panelHead(picture, name, where, close) {
  return make(
    "div",
    { class: "nbf-panel-head" },
    picture,
    make("h3", {}, name),
    where,
    make("span", { class: "nbf-space" }),
    button("×", close, { kind: "plain close", "aria-label": "Close the panel", title: "Close (Esc)" }),
  );
}

/** A failure in one line, which opens it: its day where the place doesn't tell, its task, what went wrong. */
function failureButton(failure, { day = "", onclick }) {
  const where = [failure.cell ? `cell ${failure.cell}` : "", failure.line ? `line ${failure.line}` : ""]
    .filter(Boolean)
    .join(" ");
  const said = [failure.error, where].filter(Boolean).join(", ");
  const name = failure.map_index >= 0 ? `${failure.task_id}[${failure.map_index}]` : failure.task_id;
  const node = button("", onclick, {
    kind: "failure",
    title: said,
    "aria-label": `failed: ${[day, name].filter(Boolean).join(" ")}, ${said}`,
  });
  node.append(
    stateSquare("failed", { size: 14 }),
    ...kept([day && make("b", {}, day), make("code", {}, name), make("span", { class: "nbf-said" }, said)]),
  );
  return node;
}

/** A time beside the usual one. */
function tookBeside(seconds, usual) {
  const factor = usual ? seconds / usual : 1;
  const unusual = factor > 1.5;
  return make("small", { class: unusual ? "nbf-unusual" : null }, ` usually ${duration(usual)}`);
}

/** Into the clipboard. */
async function copy(text, notice) {
  try {
    await navigator.clipboard.writeText(text);
    notice.say(`Copied: ${text}`);
  } catch {
    notice.say(text); // no rights to the clipboard: show it to be copied by hand
  }
}
