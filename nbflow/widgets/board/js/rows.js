// Tasks and groups as lines of the grid.

const SQUARE = 16;
const PITCH = 19; // a square and its gap
const MOST_OPEN = 200; // tasks, beyond which groups begin shut, as in the graph

/**
 * The lines from top to bottom. A group stands above its tasks; collapsed, it stands for them.
 * @param tasks as the board has them, in the order of the rows
 * @param collapsed the groups (dotted names) that are shut
 */
function linesOf(tasks, collapsed) {
  const lines = [];
  const groups = new Map();
  let open = [];
  tasks.forEach((task, index) => {
    const steps = task.group ? task.group.split(".") : [];
    const shared = steps.findIndex((step, depth) => open[depth] !== step);
    const from = shared < 0 ? steps.length : shared;
    for (let depth = from; depth < steps.length; depth += 1) {
      const id = steps.slice(0, depth + 1).join(".");
      const line = {
        kind: "group",
        id,
        name: steps[depth],
        depth,
        members: [],
        collapsed: collapsed.has(id),
      };
      groups.set(id, line);
      if (!hidden(steps.slice(0, depth), collapsed)) lines.push(line);
    }
    open = steps;
    for (let depth = 1; depth <= steps.length; depth += 1) {
      groups.get(steps.slice(0, depth).join("."))?.members.push(index);
    }
    if (!hidden(steps, collapsed))
      lines.push({ kind: "task", id: task.id, name: task.id, index, depth: steps.length, task });
  });
  return lines;
}

/** `a.b.c` → `a`, `a.b`, `a.b.c`; none of "". */
function wayTo(group) {
  const steps = group ? group.split(".") : [];
  return steps.map((_, depth) => steps.slice(0, depth + 1).join("."));
}

/** The groups that are shut at first. */
function beginShut(tasks) {
  return new Set(tasks.length > MOST_OPEN ? tasks.flatMap((task) => wayTo(task.group)) : []);
}

/** Whether one of the groups on the way is shut. */
function hidden(steps, collapsed) {
  return steps.some((_, depth) => collapsed.has(steps.slice(0, depth + 1).join(".")));
}

/** The letter that a line shows for a run: its task's, or the loudest of a shut group. */
function letterOfLine(line, letters) {
  if (line.kind === "task") return letters[line.index] ?? NO_INSTANCE;
  return line.collapsed ? loudest(line.members.map((index) => letters[index])) : NO_INSTANCE;
}

/** The squares that failed by themselves, as [column, line], the newest run's first. */
function failuresOf(data, lines) {
  const found = [];
  for (let column = data.runs.length - 1; column >= 0; column -= 1) {
    const letters = data.squares[data.runs[column].run_id] ?? "";
    lines.forEach((line, at) => {
      if (letterOfLine(line, letters).toLowerCase() === "f") found.push([column, at]);
    });
  }
  return found;
}

/** What can follow from a task: everything below it in the graph, by rows. */
class Below {
  constructor(data) {
    this.next = new Map();
    for (const edge of data.graph?.edges ?? []) {
      if (!this.next.has(edge.from)) this.next.set(edge.from, []);
      this.next.get(edge.from).push(edge.to);
    }
    this.row = new Map(data.tasks.map((task, index) => [task.id, index]));
    this.known = new Map();
  }

  rows(taskId) {
    if (!this.known.has(taskId)) {
      const seen = new Set();
      const waiting = [...(this.next.get(taskId) ?? [])];
      while (waiting.length) {
        const task = waiting.pop();
        if (seen.has(task)) continue;
        seen.add(task);
        waiting.push(...(this.next.get(task) ?? []));
      }
      this.known.set(
        taskId,
        [...seen].map((task) => this.row.get(task)).filter((row) => row !== undefined),
      );
    }
    return this.known.get(taskId);
  }
}
