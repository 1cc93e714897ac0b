// Run and Backfill: what they are asked with.

/** A date input that reads `YYYY-MM-DD`. */
function dateField(name, text, value) {
  return make(
    "label",
    { class: "nbf-field" },
    make("span", {}, text),
    make("input", { type: "date", name, value: value ?? "", max: "9999-12-31" }),
  );
}

/** A parameter's input, by what it is: a switch, a choice, a number, a text, or JSON. */
function paramField(param) {
  const schema = param.schema ?? {};
  const type = schema.type ?? typeof param.default;
  const said = [param.help || schema.description, param.annotation].filter(Boolean).join(" · ");
  let input;
  if (Array.isArray(schema.enum)) {
    input = make(
      "select",
      {},
      schema.enum.map((value) =>
        make(
          "option",
          { value: JSON.stringify(value), selected: JSON.stringify(value) === JSON.stringify(param.default) },
          String(value),
        ),
      ),
    );
    input.read = () => JSON.parse(input.value);
  } else if (type === "boolean") {
    input = make("input", { type: "checkbox", checked: Boolean(param.default) });
    input.read = () => input.checked;
  } else if (["number", "integer"].includes(type)) {
    input = make("input", {
      type: "number",
      step: type === "integer" || Number.isInteger(param.default) ? 1 : "any",
      min: schema.minimum,
      max: schema.maximum,
      value: param.default ?? "",
    });
    if (type === "number" && schema.type !== "integer") input.step = "any";
    input.read = () => (input.value === "" ? null : Number(input.value));
  } else if (type === "string" && typeof (param.default ?? "") === "string") {
    input = make("input", { type: schema.format === "date" ? "date" : "text", value: param.default ?? "" });
    input.read = () => input.value;
  } else {
    input = make("textarea", { rows: 2, spellcheck: "false", value: JSON.stringify(param.default ?? null) });
    input.read = () => JSON.parse(input.value);
  }
  input.name = param.name;
  const name = make("code", {}, param.name);
  const help = said && make("small", {}, said);
  const node =
    type === "boolean" && !Array.isArray(schema.enum)
      ? make("label", { class: "nbf-choice" }, input, name, help)
      : make("label", { class: "nbf-field" }, make("span", {}, name), input, help);
  return {
    node,
    name: param.name,
    changed: () => JSON.stringify(input.read()) !== JSON.stringify(param.default),
    read: () => input.read(),
  };
}

/** A panel that holds one form. */
class FormPanel {
  constructor(context, title) {
    this.context = context;
    this.title = title;
    this.holder = make("div", { class: "nbf-form-holder" });
    this.node = make(
      "div",
      { class: "nbf-panel-body" },
      panelHead(null, title, null, () => context.close()),
      this.holder,
    );
  }

  async load() {
    fill(this.holder, this.form());
    requestAnimationFrame(() => this.holder.querySelector("input, select, textarea")?.focus());
  }

  touched() {
    return false;
  }

  get state() {
    return "none";
  }

  gone() {}
}

class RunForm extends FormPanel {
  constructor(context) {
    super(context, "Run");
  }

  form() {
    const { store, actions } = this.context;
    const fields = store.data.params?.map(paramField) ?? [];
    const date = dateField("date", "Date");
    const shown = make("p", { class: "nbf-bad", hidden: true });
    const go = button("Run", () => start(), { kind: "primary" });
    const body = () => ({
      date: date.querySelector("input").value || null,
      params: Object.fromEntries(
        fields.filter((field) => field.changed()).map((field) => [field.name, field.read()]),
      ),
    });
    const start = async () => {
      shown.hidden = true;
      let wanted;
      try {
        wanted = body();
      } catch (error) {
        shown.hidden = false;
        shown.textContent = `A parameter is not JSON: ${error.message}`;
        return;
      }
      go.disabled = true;
      if (await actions.act("run", wanted)) this.context.close();
      go.disabled = false;
    };
    return make(
      "form",
      {
        class: "nbf-form",
        onsubmit: (event) => {
          event.preventDefault();
          start();
        },
      },
      date,
      make(
        "p",
        { class: "nbf-quiet" },
        `The interval that starts on this date, in ${store.data.timezone ?? "UTC"}; left empty, the latest that has ended.`,
      ),
      fields.length > 0 &&
        make(
          "fieldset",
          {},
          make("legend", {}, "Parameters"),
          fields.map((field) => field.node),
        ),
      shown,
      make(
        "div",
        { class: "nbf-form-buttons" },
        go,
        button("Cancel", () => this.context.close()),
      ),
    );
  }
}

class BackfillForm extends FormPanel {
  constructor(context) {
    super(context, "Backfill");
  }

  form() {
    const { store, actions } = this.context;
    const newest = (store.data.runs.at(-1)?.label ?? store.data.today ?? "").slice(0, 10);
    const [from, to] = [dateField("from", "From", ""), dateField("to", "To", newest)];
    const again = make(
      "select",
      { name: "reprocess" },
      make("option", { value: "none" }, "only dates without a run"),
      make("option", { value: "failed" }, "failed runs too"),
      make("option", { value: "completed" }, "all of them again"),
    );
    const value = (field) => field.querySelector("input").value;
    return previewed({
      actions,
      verb: "backfill",
      fields: [
        make("div", { class: "nbf-fields" }, from, to),
        make("label", { class: "nbf-field" }, make("span", {}, "Run"), again),
        make("p", { class: "nbf-quiet" }, "Both dates are included; only intervals that have ended are run."),
      ],
      body: () =>
        value(from) && value(to) ? { from: value(from), to: value(to), reprocess: again.value } : null,
      doing: (number) => `Backfill ${number === null ? "" : count(number, "run")}`.trim(),
      done: () => this.context.close(),
      cancel: () => this.context.close(),
    });
  }
}
