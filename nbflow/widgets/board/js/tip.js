// Where the pointer is: the line and the run are lit, and what stands there is told in words.

/** The first line says what and how, the rest why. */
function placeWords(grid, column, at) {
  const data = grid.store.data;
  const line = grid.lines[at];
  const run = grid.runs[column];
  if (column < 0) return nameWords(line);
  if (!run) return ghostWords(data.ghosts[column - grid.runs.length], data.timezone);
  const day = labelWords(run.label);
  if (at < 0) {
    const more = [run.type, duration(run.seconds)].filter(Boolean).join(" · ");
    return [`run of ${day} · ${runWords(run)}`, more, run.reason].filter(Boolean).join("\n");
  }
  const read = readLetter(letterOfLine(line, data.squares[run.run_id] ?? ""));
  const state = read ? stateWords(STATES[read.state].name) : "";
  if (line.kind === "group") return [`group ${line.id}`, day, state].filter(Boolean).join(" · ");
  if (!read) return `${line.id} · ${day} · not part of this run`;
  const flags = data.flags?.[run.run_id]?.[line.id] ?? {};
  const tried = flags.try > 1 ? `try ${flags.try}` : "";
  const head = [line.id, day, state, tried, duration(flags.seconds)].filter(Boolean).join(" · ");
  const more = [
    flags.notes ? count(flags.notes, "note") : "",
    read.stale ? "its code has changed since" : "",
  ];
  return [head, ...more].filter(Boolean).join("\n");
}

function nameWords(line) {
  if (!line) return "Tasks";
  return line.kind === "group" ? `group ${line.id}, ${line.collapsed ? "shut" : "open"}` : `task ${line.id}`;
}

function ghostWords(ghost, zone) {
  return ghost ? `${labelWords(ghost.label)} · to come, due ${dateWords(ghost.due, zone)}` : "no runs yet";
}

/** The tip below the place that is pointed at. */
class Tip {
  constructor(grid) {
    this.grid = grid;
    this.node = make("div", { class: "nbf-tip", role: "presentation", hidden: true });
  }

  hide() {
    this.node.hidden = true;
  }

  show(column, at) {
    const { grid, node } = this;
    node.hidden = column < 0 || !node.parentElement;
    if (node.hidden) return;
    const [head, ...more] = grid.describe(column, at).split("\n");
    fill(
      node,
      make("strong", {}, head),
      more.map((text) => make("div", {}, text)),
    );
    const board = node.parentElement.getBoundingClientRect();
    const sheet = grid.sheet.getBoundingClientRect();
    const { left, top, height } = grid.place(column, at);
    const half = node.offsetWidth / 2;
    node.style.left = `${Math.max(half + 4, Math.min(board.width - half - 4, sheet.left - board.left + left + 10))}px`;
    node.style.top = `${sheet.top - board.top + top + height + 6}px`;
  }
}

/** The line and the run of the place that is pointed at. */
class Crosshair {
  constructor(grid) {
    this.grid = grid;
    this.row = make("div", { class: "nbf-band nbf-row", "aria-hidden": "true" });
    this.column = make("div", { class: "nbf-band nbf-column", "aria-hidden": "true" });
  }

  /** -1 for a column or a line that isn't pointed at. */
  show(column, at) {
    const { grid } = this;
    this.row.hidden = !grid.lines[at];
    this.column.hidden = column < 0;
    this.row.style.top = `${grid.bars.height + at * PITCH}px`;
    if (column >= 0) this.column.style.left = `${grid.names.offsetWidth + column * PITCH - 1.5}px`;
    grid.node.classList.add("nbf-crossed");
  }

  hide() {
    this.grid.node.classList.remove("nbf-crossed");
  }
}
