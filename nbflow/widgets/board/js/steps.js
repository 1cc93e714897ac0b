// The keyboard's place in the graph: its tasks are one tab stop, and an arrow key goes to the nearest one that way.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ASIDE = 3; // px ahead that one px aside is worth

class Steps {
  /** @param on {open(taskId), stand(taskId)} */
  constructor(on) {
    this.on = on;
    this.at = null; // the task that Tab reaches
    this.tasks = new Map(); // task → {node, shell}
  }

  /** The boxes have been drawn anew: stand where one stood, else at the first task from the left. */
  settle(nodes, shellOf) {
    this.tasks = new Map(nodes.map((node) => [node.id, { node, shell: shellOf(node.id) }]));
    for (const [task, { shell }] of this.tasks) {
      shell.setAttribute("role", "button");
      shell.setAttribute("tabindex", -1);
      shell.addEventListener("keydown", (event) => this.pressed(event, task));
      shell.addEventListener("focus", () => this.stand(task, shell.matches(":focus-visible")));
    }
    const first = nodes.reduce((left, node) => (left && left.x <= node.x ? left : node), null);
    this.stop(this.tasks.has(this.at) ? this.at : (first?.id ?? null));
  }

  /** Have Tab reach this task, and no other. */
  stop(task) {
    this.tasks.get(this.at)?.shell.setAttribute("tabindex", -1);
    this.tasks.get(task)?.shell.setAttribute("tabindex", 0);
    this.at = task;
  }

  focus() {
    this.tasks.get(this.at)?.shell.focus({ preventScroll: true });
  }

  /** @param byKey whether the keyboard has led here: what a pointer presses must not move under it */
  stand(task, byKey) {
    this.stop(task);
    if (byKey) this.on.stand(task);
  }

  pressed(event, task) {
    const way = STEPS[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") this.on.open(task);
    else if (way) this.nearest(task, way)?.focus({ preventScroll: true });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  nearest(task, [right, down]) {
    const from = this.tasks.get(task).node;
    let found = null;
    let least = Infinity;
    for (const { node, shell } of this.tasks.values()) {
      const [x, y] = [node.x + node.w / 2 - from.x - from.w / 2, node.y + node.h / 2 - from.y - from.h / 2];
      const ahead = x * right + y * down;
      const far = ahead + ASIDE * Math.abs(x * down + y * right);
      if (ahead >= 1 && far < least) [found, least] = [shell, far];
    }
    return found;
  }
}
