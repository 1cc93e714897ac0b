// A run's squares. All squares of one state in a run are one path: a year of fifty tasks is a few
// thousand elements instead of forty thousand, and a change rewrites one run's.

const SQUARE_PATH =
  "h9a3.5 3.5 0 0 1 3.5 3.5v8a3.5 3.5 0 0 1 -3.5 3.5h-9a3.5 3.5 0 0 1 -3.5 -3.5v-8a3.5 3.5 0 0 1 3.5 -3.5z";
const RING_PATH = "h9.5a5 5 0 0 1 5 5v8.5a5 5 0 0 1 -5 5h-9.5a5 5 0 0 1 -5 -5v-8.5a5 5 0 0 1 5 -5z";
const GLYPHS = new Map();

/** A glyph moved down by `y`. */
function glyphAt(letter, y) {
  const key = `${letter}${y}`;
  if (!GLYPHS.has(key)) GLYPHS.set(key, movedDown(STATES[letter].glyph, y));
  return GLYPHS.get(key);
}

/** Path data moved down: the commands in capitals are absolute. */
function movedDown(path, y) {
  return path.replace(/([A-Za-z])([^A-Za-z]*)/g, (whole, command, text) => {
    const numbers = text.match(/-?\d*\.?\d+/g)?.map(Number) ?? [];
    if (command === "V") return `V${numbers[0] + y}`;
    if (command === "M" || command === "L")
      return `${command}${numbers.map((n, at) => (at % 2 ? n + y : n)).join(" ")}`;
    if (command === "A") return `A${numbers.map((n, at) => (at === 6 ? n + y : n)).join(" ")}`;
    return whole;
  });
}

/**
 * Draw a run's squares into a group.
 * @param group an SVG <g> at the run's place
 * @param lines the grid's lines
 * @param letters the run's letters, one a task
 * @param below what follows from each task
 */
function drawColumn(group, lines, letters, below) {
  const squares = {};
  const glyphs = {};
  let rings = "";
  let notches = "";
  lines.forEach((line, at) => {
    const read = readLetter(letterOfLine(line, letters));
    if (!read) return;
    const y = at * PITCH;
    squares[read.state] = (squares[read.state] ?? "") + `M3.5 ${y + 0.5}${SQUARE_PATH}`;
    if (STATES[read.state].glyph) glyphs[read.state] = (glyphs[read.state] ?? "") + glyphAt(read.state, y);
    if (read.state === "f" && draggedAlong(line, letters, below)) rings += `M3.25 ${y - 1.25}${RING_PATH}`;
    if (read.stale) notches += `M10 ${y}H12.5A3.5 3.5 0 0 1 16 ${y + 3.5}V${y + 6}Z`;
  });
  const parts = [];
  for (const letter of Object.keys(squares)) {
    parts.push(draw("path", { class: `nbf-square nbf-s-${letter}`, d: squares[letter] }));
    if (glyphs[letter])
      parts.push(
        draw("path", {
          class: `nbf-glyph nbf-g-${letter}${STATES[letter].solid ? " nbf-solid" : ""}`,
          d: glyphs[letter],
        }),
      );
  }
  if (rings) parts.push(draw("path", { class: "nbf-ring", d: rings }));
  if (notches) parts.push(draw("path", { class: "nbf-notch", d: notches }));
  group.replaceChildren(...parts);
}

/** Whether a failure has kept others from running. */
function draggedAlong(line, letters, below) {
  return (
    line.kind === "task" && below.rows(line.id).some((row) => (letters[row] ?? "").toLowerCase() === "u")
  );
}

/** The outlines of a run that is still to come. */
function drawGhost(group, lines) {
  const outlines = lines.map((line, at) =>
    line.kind === "task" || line.collapsed ? `M3.5 ${at * PITCH + 0.5}${SQUARE_PATH}` : "",
  );
  group.replaceChildren(draw("path", { class: "nbf-ghost", d: outlines.join("") }));
}
