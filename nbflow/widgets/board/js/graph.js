// The graph: tasks from left to right with the states of one run. Its places and paths come laid out.

const MARGIN = 8;
const MOST_OPEN = 200; // tasks, beyond which groups begin shut
const STACKED = 6; // px that a mapped task's pile sticks out
const LEAST_SCALE = 0.6; // a wide graph shrinks to here before it scrolls

class Graph {
  /**
   * @param store the data
   * @param on {square(runId, taskId), task(taskId), hover(taskId|null)}
   */
  constructor(store, on) {
    this.store = store;
    this.on = on;
    this.runId = null; // null: the newest run
    const { nodes = [], groups = [] } = store.data.graph ?? {};
    // A large graph begins with its groups shut.
    this.shut = new Set(nodes.length > MOST_OPEN ? groups.map((group) => group.id) : []);
    this.nodes = new Map();
    this.title = make("div", { class: "graph-title" });
    this.why = make("div", { class: "why", "aria-hidden": "true" });
    this.holder = make("div", { class: "graph-holder" });
    this.node = make(
      "section",
      { class: "graph", "aria-label": `Graph of ${store.data.dag_id}` },
      make("div", { class: "graph-head" }, this.title, this.why),
      this.holder,
    );
    this.head = identity("arrow");
    this.rebuild();
  }

  /** Draw all anew. */
  rebuild() {
    const graph = this.store.data.graph;
    this.nodes.clear();
    this.edges = [];
    if (!graph?.nodes?.length) {
      fill(
        this.holder,
        make("p", { class: "quiet" }, "The notebook has no tasks yet. Mark a cell with %%task."),
      );
      return;
    }
    const inside = draw("g", { transform: `translate(${MARGIN} ${MARGIN})` });
    const marker = draw(
      "marker",
      {
        id: this.head,
        viewBox: "0 0 7 6",
        refX: 0.5,
        refY: 3,
        markerWidth: 7,
        markerHeight: 6,
        orient: "auto",
        markerUnits: "userSpaceOnUse",
      },
      draw("path", { d: "M0 0L7 3L0 6Z" }),
    );
    this.svg = draw(
      "svg",
      {
        role: "group",
        "aria-label": "Tasks",
        viewBox: `0 0 ${graph.width + 2 * MARGIN} ${graph.height + 2 * MARGIN}`,
      },
      draw("defs", {}, marker),
      inside,
    );
    for (const group of graph.groups ?? []) inside.append(this.drawGroup(group));
    for (const edge of graph.edges ?? []) inside.append(this.drawEdge(edge));
    for (const node of graph.nodes) inside.append(this.drawNode(node));
    for (const group of graph.groups ?? []) if (this.shut.has(group.id)) inside.append(this.drawShut(group));
    fill(this.holder, this.svg);
    this.fit();
    this.states();
  }

  /** As large as there is room, within reason; then it scrolls. */
  fit() {
    const graph = this.store.data.graph;
    if (!this.svg || !graph) return;
    const natural = graph.width + 2 * MARGIN;
    const room = this.holder.clientWidth || natural;
    const scale = Math.max(LEAST_SCALE, Math.min(1, room / natural));
    this.svg.setAttribute("width", natural * scale);
    this.svg.setAttribute("height", (graph.height + 2 * MARGIN) * scale);
  }

  inShut(groupPath) {
    return groupPath ? hidden(groupPath.split("."), this.shut) : false;
  }

  drawGroup(group) {
    if (group.id.includes(".") && this.inShut(group.id.slice(0, group.id.lastIndexOf(".")))) return draw("g");
    const shut = this.shut.has(group.id);
    const toggle = () => {
      if (!this.shut.delete(group.id)) this.shut.add(group.id);
      this.rebuild();
    };
    return draw(
      "g",
      { class: "cluster" },
      draw("rect", { x: group.x + 0.5, y: group.y + 0.5, width: group.w - 1, height: group.h - 1, rx: 10 }),
      draw(
        "g",
        { class: "cluster-name", onclick: toggle },
        draw("title", {}, `${group.id}: ${shut ? "open" : "shut"} this group`),
        draw("rect", {
          class: "target",
          x: group.x + 4,
          y: group.y + 3,
          width: Math.max(20, group.w - 8),
          height: 18,
        }),
        draw("path", {
          class: "turn",
          d: shut
            ? `M${group.x + 10} ${group.y + 8}l3.5 3.5l-3.5 3.5`
            : `M${group.x + 8} ${group.y + 10}l3.5 3.5l3.5 -3.5`,
        }),
        draw("text", { x: group.x + 19, y: group.y + 16 }, group.id.slice(group.id.lastIndexOf(".") + 1)),
      ),
    );
  }

  /** What a shut group shows in its middle: how many tasks it has, and the loudest state. */
  drawShut(group) {
    if (group.id.includes(".") && this.inShut(group.id.slice(0, group.id.lastIndexOf(".")))) return draw("g");
    const members = this.store.data.graph.nodes
      .filter((node) => node.group === group.id || node.group?.startsWith(`${group.id}.`))
      .map((node) => node.id);
    const place = draw("g", { class: "state" });
    this.nodes.set(`group ${group.id}`, { place, members });
    return draw(
      "g",
      {
        class: "node summary",
        transform: `translate(${group.x + group.w / 2 - 44} ${group.y + group.h / 2 - 8})`,
      },
      place,
      draw("text", { x: 24, y: 12 }, count(members.length, "task")),
    );
  }

  drawEdge(edge) {
    const ends = [edge.from, edge.to].map((id) => this.store.data.graph.nodes.find((node) => node.id === id));
    if (ends.every((end) => end && this.inShut(end.group))) return draw("g");
    const line = draw("path", { class: "line", d: edge.path, "marker-end": `url(#${this.head})` });
    const node = draw(
      "g",
      { class: `edge ${edge.kind}` },
      draw("title", {}, `${edge.from} → ${edge.to}\n${edge.why}`),
      line,
      draw("path", { class: "reach", d: edge.path }),
    );
    node.addEventListener("pointerenter", () =>
      fill(this.why, make("b", {}, `${edge.from} → ${edge.to} `), edge.why),
    );
    node.addEventListener("pointerleave", () => fill(this.why));
    this.edges.push({ node, from: edge.from, to: edge.to });
    return node;
  }

  drawNode(node) {
    if (this.inShut(node.group)) return draw("g");
    const middle = node.y + (node.h + (node.mapped ? STACKED : 0)) / 2;
    const kind = node.kind && node.kind !== "task" ? stateWords(node.kind) : "";
    const place = draw("g", { class: "state", transform: `translate(${node.x + 10} ${middle - 8})` });
    const name = draw("title", {}, node.id);
    const doc = node.doc ? `\n${node.doc}` : "";
    const shell = draw("g", { class: "node", "data-node": node.id }, name);
    const pile = node.mapped ? STACKED : 0;
    for (let out = pile; out > 0; out -= STACKED / 2) {
      shell.append(
        draw("rect", {
          class: "box behind",
          x: node.x + out + 0.5,
          y: node.y + pile - out + 0.5,
          width: node.w - pile - 1,
          height: node.h - pile - 1,
          rx: 7,
        }),
      );
    }
    shell.append(
      draw("rect", {
        class: "box",
        x: node.x + 0.5,
        y: node.y + pile + 0.5,
        width: node.w - pile - 1,
        height: node.h - pile - 1,
        rx: 7,
      }),
      place,
      draw(
        "text",
        { class: "label", x: node.x + 34, y: kind ? middle - 1.5 : middle + 4.2 },
        shortened(node.label ?? node.id, node.w - 40),
      ),
    );
    if (kind) shell.append(draw("text", { class: "kind", x: node.x + 34, y: middle + 11.5 }, kind));
    shell.addEventListener("click", () => this.opened(node.id));
    shell.addEventListener("pointerenter", () => this.hovered(node.id));
    shell.addEventListener("pointerleave", () => this.hovered(null));
    this.nodes.set(node.id, { shell, place, name, doc, members: [node.id] });
    return shell;
  }

  opened(taskId) {
    const run = this.shownRun();
    const row = this.store.rowOf.get(taskId);
    if (run && readLetter(this.store.letter(run.run_id, row))) this.on.square(run.run_id, taskId);
    else this.on.task(taskId);
  }

  hovered(taskId) {
    this.light(taskId);
    this.on.hover(taskId);
  }

  /** Light up a task and its edges: its line in the grid is hovered. */
  light(taskId) {
    this.node.classList.toggle("lit", taskId !== null && this.nodes.has(taskId));
    for (const [id, { shell }] of this.nodes) shell?.classList.toggle("lit", id === taskId);
    for (const { node, from, to } of this.edges ?? [])
      node.classList.toggle("lit", from === taskId || to === taskId);
  }

  shownRun() {
    return (this.runId && this.store.run(this.runId)) || this.store.data.runs.at(-1);
  }

  /** Show the states of this run; null: of the newest. */
  show(runId) {
    if (this.runId === runId) return;
    this.runId = runId;
    this.states();
  }

  states() {
    const run = this.shownRun();
    fill(
      this.title,
      make("h3", {}, "Graph"),
      run && make("span", { class: "quiet" }, `states of ${labelWords(run.label)}`),
    );
    for (const [id, { shell, place, name, doc, members }] of this.nodes) {
      const letters = members.map((task) =>
        run ? this.store.letter(run.run_id, this.store.rowOf.get(task)) : NO_INSTANCE,
      );
      const read = readLetter(members.length === 1 ? letters[0] : loudest(letters));
      place.replaceChildren(
        ...(read
          ? squareParts(read.state)
          : [draw("rect", { class: "square empty", x: 0.5, y: 0.5, width: 15, height: 15, rx: 3.5 })]),
      );
      if (read?.stale)
        place.append(draw("path", { class: "notch", d: "M10 0H12.5A3.5 3.5 0 0 1 16 3.5V6Z" }));
      if (!shell) continue;
      shell.setAttribute(
        "class",
        `node${shell.classList.contains("lit") ? " lit" : ""}${read ? ` n-${read.state}` : ""}`,
      );
      name.textContent = (read ? `${id} · ${stateWords(STATES[read.state].name)}` : id) + doc;
    }
  }

  changed(change) {
    if (change.all) this.rebuild();
    else if (change.newColumns || change.runs.has(this.shownRun()?.run_id)) this.states();
  }
}
