// All of it, put together: one view of a board.

const WIDE = 860; // px from which the panel stands beside the grid

const PANELS = {
  square: SquarePanel,
  run: RunPanel,
  task: TaskPanel,
  runForm: RunForm,
  backfillForm: BackfillForm,
};

class View {
  constructor(model) {
    this.model = model;
    this.store = storeOf(model);
    this.notice = new Notice();
    this.actions = new Actions(this.store, this.notice);
    this.shown = model.get("view") || "all";
    this.about = null; // the run that the panel is about
    this.grid = new Grid(this.store, {
      square: (runId, taskId) => this.openSquare(runId, taskId),
      run: (runId) => this.open("run", { run_id: runId }),
      task: (taskId) => this.open("task", { task_id: taskId }),
      hover: (taskId, runId) => this.hovered(taskId, runId),
      say: (text) => this.notice.whisper(text),
    });
    this.graph = new Graph(this.store, {
      square: (runId, taskId) => this.openSquare(runId, taskId),
      task: (taskId) => this.open("task", { task_id: taskId }),
      hover: (taskId) => this.grid.light(taskId),
      fail: (error) => this.notice.say(error.message, { bad: true }),
    });
    this.headline = new Headline(this.store, {
      square: (runId, taskId, mapIndex) => this.openSquare(runId, taskId, mapIndex),
      run: (runId) => this.open("run", { run_id: runId }),
      act: (verb, body) => this.actions.act(verb, body),
      open: (form) => this.open(`${form}Form`, {}),
      menu: () => this.menu(),
    });
    this.filters = new Filters(this.store, (letters) => this.grid.filter(letters));
    this.build();
    this.unlisten = this.store.listen((change) => this.changed(change));
    this.timer = setInterval(() => this.store.lookAgain(), LOOK_AGAIN);
    this.seen = new ResizeObserver(() => this.resized());
    this.seen.observe(this.node);
    this.arrange();
  }

  build() {
    this.panel = make("aside", { class: "nbf-panel", hidden: true, "aria-label": "Details" });
    this.gridHolder = make("div", { class: "nbf-grid-holder" }, this.grid.node, this.filters.node);
    this.main = make("div", { class: "nbf-main" }, this.gridHolder, this.graph.node);
    // JupyterLab's own shortcuts would take the arrow keys and letters.
    this.node = make(
      "div",
      { class: "nbf-board", "data-lm-suppress-shortcuts": "true" },
      this.headline.node,
      this.notice.node,
      make("div", { class: "nbf-columns" }, this.main, this.panel),
      this.grid.tip.node,
      this.notice.spoken,
    );
    this.node.addEventListener("keydown", (event) => this.pressed(event));
    this.node.dataset.mark = this.store.data.mark ?? 0;
  }

  arrange() {
    const nothing = !this.store.data.tasks.length && !this.store.data.runs.length;
    this.gridHolder.hidden = this.shown === "graph" || nothing;
    this.graph.node.hidden = this.shown === "grid";
    this.graph.fit();
  }

  resized() {
    this.node.classList.toggle("nbf-wide", this.node.clientWidth >= WIDE);
    this.graph.fit();
    this.grid.resized();
  }

  pressed(event) {
    if (event.key === "Escape" && !this.panel.hidden) {
      this.close();
      event.stopPropagation();
    } else if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.actions.save(); // shortcuts are kept from the front end in here, but this one is wanted
    }
  }

  // --- the panel -----------------------------------------------------------------------------------

  openSquare(runId, taskId, mapIndex = -1) {
    this.grid.goTo(runId, taskId);
    return this.open("square", { run_id: runId, task_id: taskId, map_index: mapIndex ?? -1 });
  }

  /** Show a panel; the one there stays until the new one has something to show. */
  async open(kind, place) {
    const context = {
      store: this.store,
      actions: this.actions,
      notice: this.notice,
      open: (...args) => this.open(...args),
      close: () => this.close(),
      relative: (path) => this.relative(path),
    };
    const panel = new PANELS[kind](context, place);
    if (kind === "square" && this.current?.kind === "square" && this.current.panel.tab)
      panel.tab = this.current.panel.tab;
    this.wanted = panel;
    this.returnTo ??= document.activeElement;
    this.panel.hidden = false;
    this.panel.setAttribute("aria-busy", "true");
    this.node.classList.add("nbf-with-panel");
    this.grid.choose(kind === "square" ? { runId: place.run_id, taskId: place.task_id } : null);
    this.about = place.run_id ?? null;
    this.graph.show(this.about);
    if (place.task_id) this.graph.reveal(place.task_id);
    try {
      await panel.load();
    } catch (error) {
      if (this.wanted !== panel) return;
      panel.broken = true;
      fill(
        panel.node,
        panelHead(null, panel.title, null, () => this.close()),
        make("p", { class: "nbf-bad" }, error.message),
      );
    }
    if (this.wanted !== panel) return;
    this.current?.panel.gone();
    this.current = { kind, place, panel };
    this.panel.dataset.kind = kind;
    this.panel.dataset.state = panel.state;
    this.panel.setAttribute("aria-label", panel.title);
    this.panel.setAttribute("aria-busy", "false");
    fill(this.panel, panel.node);
    this.panel.scrollTop = 0;
    this.notice.whisper(
      `${panel.title}${kind === "square" || kind === "run" ? `: ${stateWords(panel.state)}` : ""}`,
    );
    if (!this.node.classList.contains("nbf-wide")) this.panel.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.wanted = null;
    this.current?.panel.gone();
    this.current = null;
    this.panel.hidden = true;
    this.node.classList.remove("nbf-with-panel");
    fill(this.panel);
    this.grid.choose(null);
    this.about = null;
    this.graph.show(null);
    const back = this.returnTo?.isConnected ? this.returnTo : this.grid.cursor.cell;
    this.returnTo = null;
    back.focus({ preventScroll: true });
  }

  /** A path as the page's server knows it: relative to its root. */
  relative(path) {
    if (!path?.startsWith("/")) return path;
    const whole = this.store.data.notebook ?? "";
    const known = this.model.get("notebook") ?? "";
    const root =
      known && !known.startsWith("/") && whole.endsWith(`/${known}`) ? whole.slice(0, -known.length) : null;
    return root !== null && path.startsWith(root) ? path.slice(root.length) : null;
  }

  // --- what moves ----------------------------------------------------------------------------------

  changed(change) {
    this.grid.changed(change);
    this.graph.changed(change);
    this.headline.changed(change);
    this.filters.draw();
    if (change.all) this.arrange();
    if (this.current?.panel.touched(change)) this.refresh();
    this.node.dataset.mark = this.store.data.mark ?? 0;
  }

  /** Show again what the panel is about, at most twice a second. */
  refresh() {
    if (this.refreshing) return;
    this.refreshing = setTimeout(async () => {
      this.refreshing = null;
      const shown = this.current?.panel;
      if (!shown) return;
      if (shown.broken) {
        this.open(this.current.kind, this.current.place);
        return;
      }
      const held = this.panel.contains(document.activeElement) ? nameOf(document.activeElement) : null;
      try {
        await shown.load();
        if (held && !this.panel.contains(document.activeElement)) {
          [...this.panel.querySelectorAll("button, input, select")]
            .find((node) => nameOf(node) === held)
            ?.focus();
        }
        if (this.current?.panel === shown) this.panel.dataset.state = shown.state;
      } catch {
        // The last picture stays.
      }
    }, 500);
  }

  hovered(taskId, runId) {
    this.graph.light(taskId);
    this.graph.show(runId ?? this.about ?? null);
  }

  menu() {
    const data = this.store.data;
    const act = (verb) => () => this.actions.act(verb, {});
    const show = (shown) => () => {
      this.shown = shown;
      this.arrange();
    };
    return [
      { text: "Grid and graph", act: show("all"), on: this.shown === "all" },
      { text: "Grid alone", act: show("grid"), on: this.shown === "grid" },
      { text: "Graph alone", act: show("graph"), on: this.shown === "graph" },
      data.schedule && !data.scheduled && { text: `Schedule it (${data.schedule})`, act: act("schedule") },
      data.scheduled && { text: "Publish this version", act: act("publish") },
      !data.scheduler?.alive && { text: "Start a scheduler", act: act("start_scheduler") },
      {
        text: "Look again",
        act: () =>
          this.store.longer(this.store.reach).catch((error) => this.notice.say(error.message, { bad: true })),
      },
    ].filter(Boolean);
  }

  end() {
    clearInterval(this.timer);
    this.unlisten();
    this.seen.disconnect();
    this.current?.panel.gone();
  }
}

/** What tells an element of a panel from its neighbours, also when it is drawn anew. */
function nameOf(node) {
  return [node.tagName, node.name ?? "", node.getAttribute("aria-label") ?? node.textContent].join(" ");
}

export default {
  render({ model, el }) {
    const view = new View(model);
    el.append(view.node);
    return () => view.end();
  },
};
