// The keyboard's place in the grid: one tab stop that the arrow keys move. It is the only cell that
// readers of the page without eyes meet, and it says what stands there.

class Cursor {
  /**
   * @param grid what it moves over: columnCount(), lines, place(column, line), describe(column, line)
   * @param open called with (column, line) on Enter
   */
  constructor(grid, open) {
    this.grid = grid;
    this.open = open;
    this.column = null; // -1: the names
    this.line = 0; // -1: the runs' bars
    this.cell = make("div", { class: "nbf-cursor", role: "gridcell", tabindex: 0 });
    this.row = make("div", { role: "row", class: "nbf-cursor-row" }, this.cell);
    this.cell.addEventListener("keydown", (event) => this.pressed(event));
    this.cell.addEventListener("focus", () => this.moved(false));
    this.cell.addEventListener("blur", () => grid.unhover());
    this.cell.addEventListener("click", () => this.open(this.column, this.line));
  }

  /** Stand somewhere that exists: the newest run's first task at first. */
  settle() {
    const columns = this.grid.columnCount();
    this.column = Math.max(-1, Math.min(columns - 1, this.column ?? columns - 1));
    this.line = Math.max(-1, Math.min(this.grid.lines.length - 1, this.line));
    if (this.column < 0) this.line = Math.max(0, this.line);
    this.show();
  }

  to(column, line) {
    this.column = column;
    this.line = line;
    this.settle();
  }

  pressed(event) {
    const page = 10;
    const lines = this.grid.lines.length;
    const columns = this.grid.columnCount();
    const moves = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
      PageUp: [0, -page],
      PageDown: [0, page],
      Home: [-columns - 1, 0],
      End: [columns + 1, 0],
    };
    const move = moves[event.key];
    if (event.key === "Enter" || event.key === " ") {
      this.open(this.column, this.line);
    } else if (event.key === "f" && !event.ctrlKey && !event.metaKey) {
      this.nextFailure();
    } else if (move && !event.altKey && !event.metaKey) {
      this.column = Math.max(-1, Math.min(columns - 1, this.column + move[0]));
      this.line = Math.max(-1, Math.min(lines - 1, this.line + move[1]));
      this.moved(true);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** To the failure before this one, the newest first. */
  nextFailure() {
    const found = this.grid.failures();
    if (!found.length) return;
    const here = found.findIndex(([column, line]) => column === this.column && line === this.line);
    [this.column, this.line] = found[(here + 1) % found.length];
    this.moved(true);
  }

  moved(speak) {
    this.settle();
    bringIntoView(this.grid, this.column, this.line);
    this.grid.hover(this.column, this.line);
    if (speak) this.grid.say(this.cell.getAttribute("aria-label"));
  }

  show() {
    const { left, top, width, height } = this.grid.place(this.column, this.line);
    Object.assign(this.cell.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    this.cell.classList.toggle("nbf-over", this.column < 0 || this.line < 0);
    this.cell.setAttribute("aria-label", this.grid.describe(this.column, this.line));
    this.cell.setAttribute("aria-colindex", this.column + 2);
    this.row.setAttribute("aria-rowindex", this.line + 2);
  }
}
