// What a person does to squares: asked for, shown beforehand, done, and what came of it said.

/** Messages about what was done; the last one stays until the next or for a while. */
class Notice {
  constructor() {
    this.text = make("span", {});
    this.node = make(
      "div",
      { class: "nbf-notice", hidden: true },
      this.text,
      button("×", () => this.hide(), { kind: "plain", "aria-label": "Dismiss" }),
    );
    this.spoken = make("div", { class: "nbf-spoken", role: "status", "aria-live": "polite" });
  }

  say(text, { bad = false } = {}) {
    clearTimeout(this.timer);
    this.text.textContent = text;
    this.spoken.textContent = text;
    this.node.classList.toggle("nbf-bad", bad);
    this.node.hidden = false;
    if (!bad) this.timer = setTimeout(() => this.hide(), 12_000);
  }

  /** For readers without eyes only. */
  whisper(text) {
    this.spoken.textContent = text;
  }

  hide() {
    this.node.hidden = true;
  }
}

class Actions {
  constructor(store, notice) {
    this.store = store;
    this.notice = notice;
  }

  /** Have something done and say what came of it; whether it was done. */
  async act(verb, body) {
    return this.tell(() => this.store.wire.ask("act", { verb, body }));
  }

  /** Put a try's inputs and date into the kernel; with `failed` also the variables where it failed. */
  async pull(place, failed) {
    this.notice.whisper("pulling");
    return this.tell(() => this.store.wire.ask("pull", { ...place, failed }));
  }

  async tell(work) {
    try {
      const answer = await work();
      if (answer?.error) throw new Error(answer.error);
      this.notice.say(answer?.said || "Done.");
      this.store.heardAt = -Infinity;
      this.store.patience = LOOK_AGAIN;
      this.store.lookAgain();
      return true;
    } catch (error) {
      this.notice.say(error.message, { bad: true });
      return false;
    }
  }

  /** Save the notebook, then have this square run again with what could not run because of it. */
  async saveAndClear(place) {
    const saved = await this.save();
    if (!saved) {
      this.notice.say("The notebook could not be saved from here: save it yourself, then clear.", {
        bad: true,
      });
      return false;
    }
    return this.act(
      "clear",
      clearing([place.run_id], [place.task_id], { downstream: true }, place.map_index),
    );
  }

  /** Have the front end save its notebook; whether it is stored by now. */
  async save() {
    const before = await this.savedAt();
    const app = window.jupyterapp ?? window.jupyterlab;
    if (app?.commands?.hasCommand?.("docmanager:save")) {
      await app.commands.execute("docmanager:save");
      return true;
    }
    pressSave();
    if (before === null) return settled(600);
    for (let look = 0; look < 20; look += 1) {
      await settled(150);
      if ((await this.savedAt()) !== before) return true;
    }
    return true; // nothing to save leaves the file's time as it is
  }

  /** When the notebook's file was last written, as its server says it; null where there is no server. */
  async savedAt() {
    const server = jupyterServer();
    const path = this.store.model.get("notebook");
    if (!server || !path || path.startsWith("/")) return null;
    const address = `${server.base}api/contents/${path.split("/").map(encodeURIComponent).join("/")}?content=0`;
    try {
      const response = await fetch(address, {
        headers: this.store.wire.headers(),
        credentials: "same-origin",
      });
      return response.ok ? (await response.json()).last_modified : null;
    } catch {
      return null;
    }
  }
}

/** Ctrl+S (Cmd+S on a Mac), as JupyterLab, Notebook and VS Code listen for it. */
function pressSave() {
  const mac = /Mac/.test(navigator.platform);
  const key = {
    key: "s",
    code: "KeyS",
    keyCode: 83,
    which: 83,
    ctrlKey: !mac,
    metaKey: mac,
    bubbles: true,
    cancelable: true,
  };
  document.body.dispatchEvent(new KeyboardEvent("keydown", key));
}

function settled(milliseconds) {
  return new Promise((resolve) => setTimeout(() => resolve(true), milliseconds));
}

/** What `clear` and `mark` are asked with. Only what is chosen is said. */
function clearing(runIds, tasks, choices, mapIndex = -1) {
  const body = { run_ids: runIds, tasks };
  if (mapIndex >= 0) body.map_index = mapIndex;
  for (const [name, chosen] of Object.entries(choices)) if (chosen) body[name] = chosen;
  return body;
}

/**
 * A form that shows what would happen before it does.
 * @param actions where to have it done
 * @param verb the command
 * @param fields the form's elements
 * @param body () → what to ask with; null: not whole yet
 * @param doing (count) → the button's text
 * @param done called when it has been done
 */
function previewed({ actions, verb, title, fields, body, doing, done, cancel, danger = false }) {
  const shown = make("div", { class: "nbf-preview", "aria-live": "polite" });
  const go = button(doing(null), () => act(), { kind: danger ? "danger" : "primary" });
  let asked = 0;
  const look = async () => {
    asked += 1;
    const mine = asked;
    const wanted = body();
    go.disabled = true;
    if (!wanted) {
      fill(shown);
      return;
    }
    try {
      const found = await actions.store.wire.ask("preview", { verb, body: wanted });
      if (mine !== asked) return;
      if (found.error) throw new Error(found.error);
      const rows = found.rows ?? found.tasks ?? found.runs ?? found.items ?? [];
      const number = found.count ?? rows.length;
      go.disabled = number === 0;
      go.textContent = doing(number);
      fill(shown, showPreview(found.said, rows, number));
    } catch (error) {
      if (mine === asked) fill(shown, make("p", { class: "nbf-bad" }, error.message));
    }
  };
  const act = async () => {
    go.disabled = true;
    if (await actions.act(verb, body())) done();
    else go.disabled = false;
  };
  const node = make(
    "form",
    {
      class: "nbf-form",
      onsubmit: (event) => {
        event.preventDefault();
        if (!go.disabled) act();
      },
      onchange: look,
    },
    title && make("h3", {}, title),
    fields,
    shown,
    make("div", { class: "nbf-form-buttons" }, go, button("Cancel", cancel)),
  );
  look();
  return node;
}

const MOST_LISTED = 200;

function showPreview(said, rows, number) {
  const lines = rows
    .slice(0, MOST_LISTED)
    .map((row) =>
      make(
        "li",
        {},
        row.state && stateSquare(row.state, { size: 13, label: stateWords(row.state) }),
        make(
          "span",
          {},
          [labelWords(row.label ?? row.run_id ?? ""), row.task_id].filter(Boolean).join(" · "),
          row.map_index >= 0 ? `[${row.map_index}]` : "",
        ),
        row.becomes && make("span", { class: "nbf-quiet" }, String(row.becomes)),
      ),
    );
  const more = rows.length - lines.length;
  return [
    make("p", {}, said || (number ? `${number} would run again.` : "Nothing to do.")),
    lines.length > 0 &&
      make(
        "ul",
        { class: "nbf-affected", tabindex: 0, "aria-label": "What it is about" },
        lines,
        more > 0 && make("li", { class: "nbf-quiet" }, `and ${more} more`),
      ),
  ];
}

/** A checkbox with its text. */
function choice(name, text, checked = false) {
  return make("label", { class: "nbf-choice" }, make("input", { type: "checkbox", name, checked }), text);
}
