// How states look: the same colours (css/look.css) and glyphs as nbflow/widgets/look.py.

const CROSS = "M5 5L11 11M11 5L5 11";
const PLAY = "M6 4.4L11.6 8L6 11.6Z";
const ARROW_TO_BAR = "M5 4H11M8 12.2V6.4M5.6 8.8L8 6.4L10.4 8.8";
const TURN = "M11.4 6A4 4 0 1 0 12 8.6M11.9 3.7V6.3H9.3";
const DASH = "M5.2 8H10.8";
const DOTS = "M4.4 8h.01M8 8h.01M11.6 8h.01";
const DOT = "M8 8h.01";

// letter → state, its glyph in a 16 × 16 box, whether that is filled. `loud`: what needs a person first.
const STATES = {
  f: { name: "failed", glyph: CROSS, loud: 9 },
  u: { name: "upstream_failed", glyph: ARROW_TO_BAR, loud: 8 },
  y: { name: "up_for_retry", glyph: TURN, loud: 7 },
  w: { name: "up_for_reschedule", glyph: TURN, loud: 6 },
  r: { name: "running", glyph: PLAY, solid: true, loud: 5 },
  t: { name: "restarting", glyph: DOTS, loud: 4 },
  q: { name: "queued", glyph: DOTS, loud: 3 },
  o: { name: "scheduled", glyph: DOT, loud: 2 },
  n: { name: "none", glyph: DOT, loud: 1 },
  k: { name: "skipped", glyph: DASH, loud: 0 },
  s: { name: "success", glyph: "", loud: -1 },
  x: { name: "removed", glyph: DOT, loud: -2 },
};
const LETTERS = Object.keys(STATES);
const LETTER_OF = Object.fromEntries(LETTERS.map((letter) => [STATES[letter].name, letter]));
const NO_INSTANCE = " ";

/** The state's name for people: `upstream failed`, `not started`. */
function stateWords(name) {
  return name === "none" ? "not started" : String(name).replaceAll("_", " ");
}

/** A run's state for people. */
function runWords(run) {
  return run.interrupted ? "interrupted" : stateWords(run.state);
}

/** What a letter of the grid says: its state's letter, and whether it is stale (a capital). */
function readLetter(letter) {
  const state = (letter ?? NO_INSTANCE).toLowerCase();
  return STATES[state] ? { state, stale: state !== letter } : null;
}

/** The letter that stands for several squares: the one that needs a person most. */
function loudest(letters) {
  let found = NO_INSTANCE;
  for (const letter of letters) {
    const read = readLetter(letter);
    if (!read) continue;
    const before = readLetter(found);
    if (!before || STATES[read.state].loud > STATES[before.state].loud) found = read.state;
  }
  return found;
}

/** A state's square as a picture of its own, for panels, legends and nodes. */
function stateSquare(name, { size = 16, label = null } = {}) {
  const letter = LETTER_OF[name] ?? "n";
  const spoken = label === null ? { "aria-hidden": "true" } : { role: "img", "aria-label": label };
  return draw(
    "svg",
    { class: "nbf-state-square", width: size, height: size, viewBox: "0 0 16 16", ...spoken },
    ...squareParts(letter),
  );
}

/** A square's rectangle and glyph, its upper left corner at the origin. */
function squareParts(letter) {
  const { glyph, solid } = STATES[letter];
  const parts = [
    draw("rect", { class: `nbf-square nbf-s-${letter}`, x: 0.5, y: 0.5, width: 15, height: 15, rx: 3.5 }),
  ];
  if (glyph) parts.push(draw("path", { class: `nbf-glyph nbf-g-${letter}${solid ? " nbf-solid" : ""}`, d: glyph }));
  return parts;
}
