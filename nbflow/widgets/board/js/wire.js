// Questions and their answers. The Jupyter server is asked first, as it answers while the kernel is busy;
// where it has no nbflow the kernel is asked by comm.

const PATIENCE = 60_000; // ms that a kernel may take to answer
const OVER = new Set(["terminating", "restarting", "autorestarting", "dead"]); // what a kernel does not come back from
const GONE =
  "The kernel that this board was shown by has ended. Nothing that has run is lost: run the cell with %nbflow again.";
const SILENT = "The kernel does not answer: it is busy with a cell, or gone. Try again when it is idle.";

/** Where the page's own Jupyter server is and how to talk to it; null elsewhere (VS Code, Colab, a file). */
function jupyterServer() {
  const element = document.getElementById("jupyter-config-data");
  if (!element) return null;
  try {
    const config = JSON.parse(element.textContent);
    return { base: config.baseUrl ?? "/", token: config.token ?? "", page: config.notebookPage ?? "" };
  } catch {
    return null;
  }
}

/** How a page's element refers to the executed notebook, opened by the server beside this one. */
function notebookAddress(path) {
  const server = jupyterServer();
  if (!server || !path) return null;
  const folder = server.page ? "notebooks" : "lab/tree";
  return `${server.base}${folder}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

class Wire {
  /** @param model the widget's model: get, set, on, send, save_changes */
  constructor(model) {
    this.model = model;
    this.waiting = new Map();
    this.last = 0;
    // All pages that show the board hear every answer: this one knows its own by a name.
    this.name = Math.random().toString(36).slice(2);
    this.serverFails = false;
    this.kernelGone = false;
    this.gone = () => {}; // called once, when the kernel has ended
    this.watchKernel(model.widget_manager?.kernel);
    model.on("msg:custom", (message) => this.heard(message));
  }

  /**
   * Notice the kernel's end: a restarted one knows nothing of this board, and says nothing to its questions.
   * @param kernel JupyterLab's; undefined where the front end is another
   */
  watchKernel(kernel) {
    const look = () => {
      if (this.kernelGone || !OVER.has(kernel.status)) return;
      this.kernelGone = true;
      for (const id of [...this.waiting.keys()]) this.heard({ id, error: GONE });
      this.gone();
    };
    kernel?.statusChanged?.connect?.(look);
    if (kernel) look();
  }

  /** The server's address for nbflow, without a slash at its end; "" where there is none. */
  get address() {
    const server = jupyterServer();
    const path = this.model.get("server");
    if (!server || !path || this.serverFails) return "";
    const base = server.base.replace(/\/$/, "");
    return path.startsWith(`${base}/`) ? path.replace(/\/$/, "") : base + path.replace(/\/$/, "");
  }

  /**
   * Ask, and wait for the answer.
   * @throws Error with a sentence for people
   */
  async ask(what, details = {}) {
    if (what !== "pull" && this.address) {
      const answer = await this.askServer(what, details);
      if (answer !== undefined) return answer;
    }
    return this.askKernel(what, details);
  }

  /** The server's answer; undefined where it has no nbflow. */
  async askServer(what, details) {
    const query = new URLSearchParams({ notebook: this.model.get("notebook") });
    const options = { headers: this.headers(), credentials: "same-origin" };
    if (what === "act") {
      options.method = "POST";
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(details);
    } else {
      for (const [name, value] of Object.entries(details)) {
        if (value !== null && value !== undefined)
          query.set(name, typeof value === "object" ? JSON.stringify(value) : value);
      }
    }
    let response;
    try {
      response = await fetch(`${this.address}/${what}?${query}`, options);
    } catch {
      return undefined; // the server is away; the kernel may still be there
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer) return answer;
    // No nbflow there, or this notebook is none of its own: the kernel knows it all the same.
    if ((response.status === 404 && !answer?.message) || response.status === 403) {
      this.serverFails = true;
      return undefined;
    }
    throw new Error(
      answer?.message ?? answer?.error ?? `The Jupyter server answered ${response.status} to ${what}.`,
    );
  }

  headers() {
    const server = jupyterServer();
    const found = {};
    if (server.token) found.Authorization = `token ${server.token}`;
    const cookie = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
    if (cookie) found["X-XSRFToken"] = decodeURIComponent(cookie[1]);
    return found;
  }

  askKernel(what, details) {
    if (this.kernelGone) return Promise.reject(new Error(GONE));
    this.last += 1;
    const id = `${this.name} ${this.last}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.heard({ id, error: SILENT }), PATIENCE);
      this.waiting.set(id, { resolve, reject, timer });
      try {
        this.model.send({ id, ask: what, with: details });
      } catch {
        this.heard({ id, error: GONE }); // a front end that knows that its kernel is dead
      }
    });
  }

  heard(message) {
    const asked = this.waiting.get(message?.id);
    if (!asked) return;
    this.waiting.delete(message.id);
    clearTimeout(asked.timer);
    if (message.error) asked.reject(new Error(message.error));
    else asked.resolve(message.answer);
  }
}
