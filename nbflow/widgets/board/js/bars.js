// How long each run took, as bars above its squares: only failures and what runs are coloured.

const LONGEST = 40; // px of the longest bar
const HEADROOM = 6; // px above it, and as much below

class Bars {
  constructor() {
    this.svg = draw("svg", { class: "nbf-bars", "aria-hidden": "true", height: LONGEST + 2 * HEADROOM });
    this.corner = make("div", { class: "nbf-corner", "aria-hidden": "true" });
  }

  /** What they take of the grid's height, px: nothing where there are no runs. */
  get height() {
    return this.runs?.length ? LONGEST + 2 * HEADROOM : 0;
  }

  draw(runs) {
    this.runs = runs;
    this.most = longestOf(runs);
    fill(
      this.corner,
      make("span", { class: "nbf-scale", title: "the longest run" }, duration(this.most || null)),
    );
    this.svg.replaceChildren(
      ...runs.map((run, column) => {
        const bar = draw("rect", {
          "data-run": run.run_id,
          x: column * PITCH + 1.5,
          width: SQUARE - 3,
          rx: 2,
        });
        this.drawOne(bar, run);
        return bar;
      }),
    );
  }

  /** Draw these columns again; all of them where the scale has changed. */
  update(runs, columns) {
    if (longestOf(runs) !== this.most) this.draw(runs);
    else for (const column of columns) this.drawOne(this.svg.children[column], runs[column]);
  }

  drawOne(bar, run) {
    const height = this.most && run.seconds ? Math.max(2, (run.seconds / this.most) * LONGEST) : 1.5;
    dress(
      bar,
      {
        class: `nbf-bar nbf-r-${run.interrupted ? "interrupted" : run.state}`,
        y: LONGEST + HEADROOM - height,
        height,
      },
      [],
    );
  }
}

function longestOf(runs) {
  return Math.max(0, ...runs.map((run) => run.seconds ?? 0));
}
