// What panels have in common.

// What the menu of a square's panel copies, by the name of the command.
const COPIES = { test: "Copy nbflow test …", logs: "Copy nbflow logs …", pull: "Copy %nbflow pull …" };

/** The head of every panel: a picture, a name, where it belongs, and a way out. */
function panelHead(picture, name, where, close) {
  return make(
    "div",
    { class: "panel-head" },
    picture,
    make("h3", {}, name),
    where,
    make("span", { class: "space" }),
    button("×", close, { kind: "plain close", "aria-label": "Close the panel", title: "Close (Esc)" }),
  );
}

/** A time beside the usual one. */
function tookBeside(seconds, usual) {
  const factor = usual ? seconds / usual : 1;
  const unusual = factor > 1.5;
  return make("small", { class: unusual ? "unusual" : "" }, ` usually ${duration(usual)}`);
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
