// The graph: tasks from left to right with the states of one run. Its places and paths come laid out; a group
// that is opened or shut is asked for again, as everything else then lies elsewhere.

const MARGIN = 8;
const LEAST_SCALE = 0.75; // a wide graph shrinks to here before it scrolls

class Graph {
  /**
   * @param store the data
   * @param on {square(runId, taskId), task(taskId), hover(taskId|null), fail(error)}
   */
  constructor(store, on) {
    this.store = store;
    this.on = on;
    this.runId = null; // null: the newest run
    this.graph = store.data.graph;
    this.came = this.graph; // with the board
    this.shut = null; // the groups a person has chosen to shut; null: nobody has chosen
    this.nodes = new Map();
    this.edges = [];
    this.title = make("div", { class: "nbf-graph-title" });
    this.why = make("div", { class: "nbf-why", "aria-hidden": "true" });
    this.holder = make("div", { class: "nbf-graph-holder" });
    this.node = make(
      "section",
      { class: "nbf-graph", "aria-label": `Graph of ${store.data.dag_id}` },
      make("div", { class: "nbf-graph-head" }, this.title, this.why),
      this.holder,
    );
    this.head = identity("arrow");
    this.steps = new Steps({ open: (task) => this.opened(task), stand: (task) => this.stood(task) });
    this.rebuild();
  }

  /** Draw all anew. */
  rebuild() {
    const { graph } = this;
    const held = document.activeElement?.closest("[data-node]");
    const refocus = held && this.holder.contains(held);
    this.nodes.clear();
    this.edges = [];
    this.svg = null;
    this.lit = null;
    if (!graph?.nodes?.length && !graph?.groups?.length) {
      fill(
        this.holder,
        make(
          "p",
          { class: "nbf-quiet" },
          "The notebook has no tasks yet: head a cell with ",
          make("code", {}, "%%task NAME"),
          ".",
        ),
      );
      return;
    }
    const inside = draw("g", { transform: `translate(${MARGIN} ${MARGIN})` });
    const groups = graph.groups ?? [];
    const toggle = (group) => this.toggle(group.id);
    inside.append(
      ...groups.filter((group) => !group.shut).map((group) => openGroup(group, () => toggle(group))),
      ...(graph.edges ?? []).map((edge) => this.kept(edgeLine(edge, this.head, this.why))),
      ...graph.nodes.map((node) => this.box(taskBox(node, this.pointing(node.id)))),
      ...groups.filter((group) => group.shut).map((group) => this.box(shutGroup(group, () => toggle(group)))),
    );
    this.svg = draw(
      "svg",
      {
        role: "group",
        "aria-label": "Tasks",
        viewBox: `0 0 ${graph.width + 2 * MARGIN} ${graph.height + 2 * MARGIN}`,
      },
      draw("defs", {}, this.arrowhead()),
      inside,
    );
    this.steps.settle(graph.nodes, (task) => this.nodes.get(nodeKey(task)).shell);
    this.fit();
    this.states();
    fill(this.holder, this.svg);
    if (refocus) this.steps.focus();
  }

  /** Keep a box in mind, for its state. */
  box({ key, ...box }) {
    this.nodes.set(key, box);
    return box.shell;
  }

  kept(edge) {
    this.edges.push(edge);
    return edge.node;
  }

  pointing(taskId) {
    return {
      onclick: () => this.opened(taskId),
      onpointerenter: () => this.hovered(taskId),
      onpointerleave: () => this.hovered(null),
      onblur: () => this.hovered(null),
    };
  }

  arrowhead() {
    const size = { viewBox: "0 0 7 6", refX: 0.5, refY: 3, markerWidth: 7, markerHeight: 6 };
    return draw(
      "marker",
      { id: this.head, ...size, orient: "auto", markerUnits: "userSpaceOnUse" },
      draw("path", { d: "M0 0L7 3L0 6Z" }),
    );
  }

  /** As large as there is room, within reason; then it scrolls. */
  fit() {
    if (!this.svg) return;
    const natural = this.graph.width + 2 * MARGIN;
    const room = this.holder.clientWidth || natural;
    const scale = Math.max(LEAST_SCALE, Math.min(1, room / natural));
    this.svg.setAttribute("width", natural * scale);
    this.svg.setAttribute("height", (this.graph.height + 2 * MARGIN) * scale);
  }

  // --- groups --------------------------------------------------------------------------------------

  /** Open a group that is shut, shut one that is open. */
  async toggle(group) {
    const shut = new Set((this.graph.groups ?? []).filter((one) => one.shut).map((one) => one.id));
    if (!shut.delete(group)) shut.add(group);
    const before = this.shut;
    this.shut = shut;
    const held = this.holder.contains(document.activeElement);
    if (!(await this.arrange())) this.shut = before;
    else if (held) this.holder.querySelector(`[data-group-name="${CSS.escape(group)}"]`)?.focus();
  }

  /** Have the graph laid out with these groups shut; whether it could be. The last picture stays meanwhile. */
  async arrange() {
    const shut = [...this.shut].sort();
    this.holder.setAttribute("aria-busy", "true");
    try {
      const graph = await this.store.laidOut(shut);
      if (this.shut && [...this.shut].sort().join("\n") !== shut.join("\n")) return true; // chosen anew since
      this.graph = graph;
      this.rebuild();
      return true;
    } catch (error) {
      this.on.fail(error);
      return false;
    } finally {
      this.holder.removeAttribute("aria-busy");
    }
  }

  // --- what is pointed at --------------------------------------------------------------------------

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

  /** The keyboard has come to a task. */
  stood(taskId) {
    this.hovered(taskId);
    this.reveal(taskId);
  }

  /** The key of the box that shows a task: its own, or that of the shut group it is in. */
  holding(taskId) {
    if (taskId === null || this.nodes.has(nodeKey(taskId))) return taskId === null ? null : nodeKey(taskId);
    for (const [key, { members }] of this.nodes) if (members.includes(taskId)) return key;
    return null;
  }

  /** Light up a task and its edges: its line in the grid is hovered. */
  light(taskId) {
    const lit = this.holding(taskId);
    if (lit === this.lit) return;
    this.lit = lit;
    this.node.classList.toggle("nbf-lit", lit !== null);
    for (const [key, { shell }] of this.nodes) shell.classList.toggle("nbf-lit", key === lit);
    for (const { node, ends } of this.edges) node.classList.toggle("nbf-lit", ends.includes(lit));
  }

  /** Scroll a task's box into view, within the graph only. */
  reveal(taskId) {
    const box = this.nodes.get(this.holding(taskId))?.shell.getBoundingClientRect();
    const seen = this.holder.getBoundingClientRect();
    if (!box || !seen.width) return;
    if (box.left < seen.left || box.right > seen.right)
      this.holder.scrollLeft += (box.left + box.right - seen.left - seen.right) / 2;
    if (box.top < seen.top || box.bottom > seen.bottom)
      this.holder.scrollTop += (box.top + box.bottom - seen.top - seen.bottom) / 2;
  }

  // --- states --------------------------------------------------------------------------------------

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
      run && make("span", { class: "nbf-quiet" }, `states of ${labelWords(run.label)}`),
    );
    const letters = run ? (this.store.data.squares[run.run_id] ?? "") : "";
    const { rowOf } = this.store;
    for (const box of this.nodes.values()) {
      const own = box.members.map((task) => letters[rowOf.get(task)] ?? NO_INSTANCE);
      const letter = own.length === 1 ? own[0] : loudest(own);
      if (letter !== box.letter) this.stateOf(box, letter);
    }
  }

  stateOf(box, letter) {
    const { shell, place, title, name, more } = box;
    const read = readLetter(letter);
    const before = readLetter(box.letter);
    box.letter = letter;
    place.replaceChildren(
      ...(read
        ? squareParts(read.state)
        : [
            draw("rect", { class: "nbf-square nbf-empty", x: 0.5, y: 0.5, width: 15, height: 15, rx: 3.5 }),
          ]),
    );
    if (read?.stale)
      place.append(draw("path", { class: "nbf-notch", d: "M10 0H12.5A3.5 3.5 0 0 1 16 3.5V6Z" }));
    if (before) shell.classList.remove(`nbf-n-${before.state}`);
    if (read) shell.classList.add(`nbf-n-${read.state}`);
    title.textContent = plain((read ? `${name} · ${stateWords(STATES[read.state].name)}` : name) + more);
  }

  changed(change) {
    if (change.all) this.anew();
    else if (change.newColumns || change.runs.has(this.shownRun()?.run_id)) this.states();
  }

  /** The whole board has come anew: draw what is another graph by now, keep what a person has shut. */
  anew() {
    const { graph } = this.store.data;
    if (JSON.stringify(graph) === JSON.stringify(this.came)) {
      this.states();
      return;
    }
    this.came = graph;
    if (this.shut) {
      this.arrange();
      return;
    }
    this.graph = graph;
    this.rebuild();
  }
}
