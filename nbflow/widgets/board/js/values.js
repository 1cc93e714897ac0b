// What a task handed on: each key with its kind, a frame as a table, a number over the dates as a line.

/** All XComs of a try. */
function showValues(xcoms, label, problem) {
  if (problem) return [make("p", { class: "nbf-bad" }, problem)];
  if (!xcoms?.length) return [make("p", { class: "nbf-quiet" }, "This try handed nothing on.")];
  return xcoms.map((xcom) =>
    make(
      "section",
      { class: "nbf-value" },
      make(
        "h4",
        {},
        make("code", {}, xcom.key),
        make(
          "small",
          {},
          [
            xcom.kind,
            xcom.size === null || xcom.size === undefined
              ? ""
              : typeof xcom.size === "number"
                ? bytes(xcom.size)
                : xcom.size,
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
      xcom.frame ? showFrame(xcom.frame) : make("pre", { class: "nbf-output" }, xcom.preview ?? ""),
      xcom.spark?.length > 1 && sparkline(xcom.spark, label),
    ),
  );
}

/** The first rows of a frame, with the types of its columns. */
function showFrame({ columns, rows, total }) {
  const numeric = columns.map((column) =>
    /^(u?int|float|double|decimal|bool|bigint|integer)/i.test(column.dtype ?? ""),
  );
  const head = make(
    "tr",
    {},
    columns.map((column, at) =>
      make(
        "th",
        { scope: "col", class: numeric[at] ? "nbf-number" : null },
        column.name,
        make("small", {}, column.dtype ?? ""),
      ),
    ),
  );
  const body = rows.map((row) =>
    make(
      "tr",
      {},
      row.map((value, at) => make("td", { class: numeric[at] ? "nbf-number" : null }, cellWords(value))),
    ),
  );
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, body));
  const more = total > rows.length ? make("p", { class: "nbf-quiet" }, `${rows.length} of ${total} rows`) : null;
  return make(
    "div",
    {},
    make("div", { class: "nbf-table-holder", tabindex: 0, role: "region", "aria-label": "table" }, table),
    more,
  );
}

function cellWords(value) {
  if (value === null || value === undefined) return make("i", {}, "null");
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * A number over the dates.
 * @param points [[label, number], …]
 * @param here the label whose point is marked
 */
function sparkline(points, here) {
  const [width, height, edge] = [260, 44, 5];
  const numbers = points.map(([, number]) => number);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const x = (at) => edge + (at / (points.length - 1)) * (width - 2 * edge);
  const y = (number) =>
    most === least ? height / 2 : height - edge - ((number - least) / (most - least)) * (height - 2 * edge);
  const path = numbers
    .map((number, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(number).toFixed(1)}`)
    .join("");
  const at = points.findIndex(([label]) => label === here);
  const dots = points.map(([label, number], place) =>
    draw(
      "circle",
      { class: place === at ? "nbf-dot nbf-here" : "nbf-dot", cx: x(place), cy: y(number), r: place === at ? 3.5 : 5 },
      draw("title", {}, `${labelWords(label)}: ${number}`),
    ),
  );
  const first = labelWords(points[0][0]);
  const last = labelWords(points.at(-1)[0]);
  return make(
    "div",
    { class: "nbf-spark" },
    draw(
      "svg",
      {
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        "aria-label": `from ${numbers[0]} on ${first} to ${numbers.at(-1)} on ${last}`,
      },
      draw("path", { class: "nbf-line", d: path }),
      ...dots,
    ),
    make(
      "div",
      { class: "nbf-quiet" },
      make("span", {}, first),
      make("span", {}, `${shortNumber(least)} – ${shortNumber(most)}`),
      make("span", {}, last),
    ),
  );
}

function shortNumber(number) {
  return Number(number.toPrecision(4)).toLocaleString("en-GB", { maximumSignificantDigits: 4 });
}
