// The run grid: tasks down, runs across, a square for each task of each run.

const FEET = 36; // the height of the axis
const AHEAD = 24; // columns drawn beyond each edge of what is seen

class Grid {
  /**
   * @param store the data
   * @param on {square(runId, taskId), run(runId), task(taskId), hover(taskId|null, runId|null), say(text)}
   */
  constructor(store, on) {
    this.store = store;
    this.on = on;
    this.collapsed = beginShut(store.data.tasks);
    this.lines = [];
    this.selected = null;
    this.bars = new Bars();
    this.names = make("div", { class: "nbf-names", "aria-hidden": "true" });
    this.cells = draw("svg", { class: "nbf-cells", "aria-hidden": "true" });
    this.axis = draw("svg", { class: "nbf-axis", "aria-hidden": "true", height: FEET });
    this.crosshair = new Crosshair(this);
    this.mark = make("div", { class: "nbf-chosen", "aria-hidden": "true", hidden: true });
    this.cursor = new Cursor(this, (column, line) => this.opened(column, line));
    this.sheet = make(
      "div",
      { class: "nbf-sheet" },
      this.bars.corner,
      this.bars.svg,
      this.names,
      this.cells,
      make("div", { class: "nbf-corner nbf-foot", "aria-hidden": "true" }),
      this.axis,
      this.crosshair.row,
      this.crosshair.column,
      this.mark,
      this.cursor.row,
    );
    this.node = make(
      "div",
      { class: "nbf-grid", role: "grid", "aria-label": `Runs of ${store.data.dag_id}` },
      this.sheet,
    );
    this.tip = new Tip(this);
    this.drawAround = atNextFrame(() => this.drawSeen());
    this.listen();
    this.rebuild({ toNewest: true });
  }

  listen() {
    this.node.addEventListener(
      "scroll",
      () => {
        this.drawAround();
        this.atNewest = this.node.scrollWidth - this.node.scrollLeft - this.node.clientWidth < PITCH;
        if (this.node.scrollLeft < 2 * PITCH && this.width) this.reachBack();
        if (this.cursor.column < 0 || this.cursor.line < 0) this.cursor.show();
      },
      { passive: true },
    );
    this.sheet.addEventListener("pointermove", (event) => {
      const place = this.placeOf(event);
      if (place) this.hover(...place);
      else this.unhover();
    });
    this.sheet.addEventListener("pointerleave", () => this.unhover());
    this.sheet.addEventListener("click", (event) => {
      const place = this.placeOf(event);
      if (!place || event.target === this.cursor.cell) return;
      this.cursor.to(...place);
      this.cursor.cell.focus({ preventScroll: true });
      this.opened(...place);
    });
  }

  get runs() {
    return this.store.data.runs;
  }

  columnCount() {
    return this.runs.length + this.store.data.ghosts.length;
  }

  // --- drawing -------------------------------------------------------------------------------------

  /** Draw all anew: other tasks, other runs, a group opened or shut. */
  rebuild({ toNewest = false } = {}) {
    const data = this.store.data;
    const fromRight = this.node.scrollWidth - this.node.scrollLeft;
    this.atNewest = toNewest || fromRight - this.node.clientWidth < PITCH;
    this.below = new Below(data);
    this.lines = linesOf(data.tasks, this.collapsed);
    this.node.classList.toggle("nbf-no-runs", !this.columnCount());
    this.node.classList.toggle("nbf-no-bars", !this.runs.length);
    const width = this.columnCount() ? this.columnCount() * PITCH : 260;
    const height = Math.max(this.lines.length * PITCH, PITCH);
    for (const svg of [this.bars.svg, this.cells, this.axis]) svg.setAttribute("width", width + 6);
    this.cells.setAttribute("height", height + 3);
    this.node.setAttribute("aria-rowcount", this.lines.length + 1);
    this.node.setAttribute("aria-colcount", this.columnCount() + 1);
    drawNames(this.names, this.lines);
    this.bars.draw(this.runs);
    this.columns = Array.from({ length: this.columnCount() }, () => null);
    this.cells.replaceChildren();
    if (!this.columnCount())
      this.cells.append(draw("text", { class: "nbf-nothing", x: 4, y: 13 }, "No runs yet: Run starts one."));
    const dates = [...this.runs, ...data.ghosts].map(
      ({ label, date, due }) => partsOfLabel(label) ?? partsIn(date ?? due ?? 0, data.timezone),
    );
    this.months = drawAxis(this.axis, dates, { ghosts: data.ghosts.length, today: data.today });
    this.cursor.settle();
    this.choose(this.selected);
    align(this);
    this.node.scrollLeft = this.atNewest ? this.node.scrollWidth : this.node.scrollWidth - fromRight;
    this.drawSeen();
  }

  /** Draw the columns that are seen and some beyond. What is drawn stays. */
  drawSeen() {
    const names = this.names.offsetWidth;
    const first = Math.max(0, Math.floor(this.node.scrollLeft / PITCH) - AHEAD);
    const seen = (this.node.clientWidth || 1200) - names;
    const last = Math.min(this.columns.length, Math.ceil((this.node.scrollLeft + seen) / PITCH) + AHEAD);
    const fresh = document.createDocumentFragment();
    for (let column = first; column < last; column += 1) {
      if (this.columns[column]) continue;
      const group = draw("g", { transform: `translate(${column * PITCH} 1.5)` });
      this.columns[column] = group;
      this.drawOne(column);
      fresh.append(group);
    }
    this.cells.append(fresh);
    stickAxis(this.months, this.node.scrollLeft);
  }

  drawOne(column) {
    const run = this.runs[column];
    if (!run) drawGhost(this.columns[column], this.lines);
    else drawColumn(this.columns[column], this.lines, this.store.data.squares[run.run_id] ?? "", this.below);
  }

  /** Draw again what has changed. */
  changed(change) {
    if (change.all || change.newColumns || change.fields.has("ghosts") || change.fields.has("today")) {
      this.rebuild();
      return;
    }
    if (!change.runs.size) return;
    const moved = [...change.runs]
      .map((runId) => this.store.places.get(runId))
      .filter((column) => column !== undefined);
    for (const column of moved) if (this.columns[column]) this.drawOne(column);
    this.bars.update(this.runs, moved);
    this.cursor.show();
  }

  /** Show only squares in these states (letters) at full strength; none: all. */
  filter(letters) {
    this.cells.classList.toggle("nbf-only", letters.size > 0);
    for (const letter of LETTERS) this.cells.classList.toggle(`nbf-only-${letter}`, letters.has(letter));
  }

  toggle(group) {
    if (!this.collapsed.delete(group)) this.collapsed.add(group);
    this.rebuild();
  }

  /** Open the groups that a task is in, where one is shut. */
  unfold(group) {
    const ways = wayTo(group).filter((one) => this.collapsed.delete(one));
    if (ways.length) this.rebuild();
  }

  /** More of the past, once the edge is reached. */
  async reachBack() {
    if (!this.store.data.older || this.reaching || this.node.scrollWidth <= this.node.clientWidth) return;
    this.reaching = true;
    try {
      await this.store.longer(this.runs.length + 180);
    } catch (error) {
      this.on.say(error.message);
    } finally {
      this.reaching = false;
    }
  }

  /** Keep the newest runs in sight, and the one that the panel is about. */
  resized() {
    const node = this.node;
    if (!node.clientWidth || node.clientWidth === this.width) return;
    align(this);
    if (this.width === undefined || this.atNewest) node.scrollLeft = node.scrollWidth;
    this.width = node.clientWidth;
    const column = this.selected ? this.store.places.get(this.selected.runId) : undefined;
    if (column !== undefined) bringIntoView(this, column, -1);
    this.drawSeen();
    this.cursor.show();
  }

  // --- places --------------------------------------------------------------------------------------

  /** Column and line below the pointer: -1 stands for the names and for the bars; null outside. */
  placeOf(event) {
    const name = event.target.closest?.(".nbf-name");
    if (name) return [-1, Number(name.dataset.line)];
    const box = this.cells.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / PITCH);
    if (column < 0 || column >= this.columnCount() || event.target.closest?.(".nbf-corner")) return null;
    if (event.target.closest?.(".nbf-bars, .nbf-axis")) return [column, -1];
    const line = Math.floor((event.clientY - box.top) / PITCH);
    return line >= 0 && line < this.lines.length ? [column, line] : null;
  }

  /** Where a place lies in the sheet, px. */
  place(column, line) {
    const left = column < 0 ? this.node.scrollLeft + 2 : this.names.offsetWidth + column * PITCH - 2;
    const top = line < 0 ? this.node.scrollTop : this.bars.height + line * PITCH - 0.5;
    return {
      left,
      top,
      width: column < 0 ? this.names.offsetWidth - 6 : 20,
      height: line < 0 ? this.bars.height - 2 : 20,
    };
  }

  failures() {
    return failuresOf(this.store.data, this.lines);
  }

  // --- what happens --------------------------------------------------------------------------------

  opened(column, at) {
    const line = this.lines[at];
    const run = this.runs[column];
    if (line?.kind === "group" && (column < 0 || !line.collapsed)) this.toggle(line.id);
    else if (column < 0 && line) this.on.task(line.id);
    else if (at < 0 && run) this.on.run(run.run_id);
    else if (line?.kind === "group" && run) this.on.run(run.run_id);
    else if (run && readLetter(this.store.letter(run.run_id, line.index)))
      this.on.square(run.run_id, line.id);
  }

  /** Show which square the panel is about. */
  choose(square) {
    this.selected = square;
    const column = square ? this.store.places.get(square.runId) : undefined;
    const line = square ? this.lines.findIndex((one) => one.kind === "task" && one.id === square.taskId) : -1;
    this.mark.hidden = column === undefined || line < 0;
    if (this.mark.hidden) return;
    const { left, top } = this.place(column, line);
    Object.assign(this.mark.style, { left: `${left}px`, top: `${top}px` });
  }

  /** Move the keyboard's place to a square and bring it into view. */
  goTo(runId, taskId) {
    const column = this.store.places.get(runId);
    this.unfold(this.store.data.tasks[this.store.rowOf.get(taskId)]?.group);
    const line = this.lines.findIndex((one) => one.kind === "task" && one.id === taskId);
    if (column === undefined || line < 0) return;
    this.cursor.to(column, line);
    bringIntoView(this, column, line);
    this.drawSeen();
  }

  hover(column, at) {
    const line = this.lines[at];
    this.crosshair.show(column, at);
    this.tip.show(column, at);
    this.on.hover(line?.kind === "task" ? line.id : null, this.runs[column]?.run_id ?? null);
  }

  unhover() {
    this.crosshair.hide();
    this.tip.hide();
    this.on.hover(null, null);
  }

  /** Light up a task's line: its node in the graph is hovered. */
  light(taskId) {
    const at =
      taskId === null ? -1 : this.lines.findIndex((line) => line.kind === "task" && line.id === taskId);
    if (at < 0) this.crosshair.hide();
    else this.crosshair.show(-1, at);
  }

  describe(column, at) {
    return placeWords(this, column, at);
  }

  say(text) {
    this.on.say(text);
  }
}
