// The dates below the grid, as nbflow/widgets/axis.py writes them.

const LETTER_WIDTH = 6.4; // px of the axis's text, on the generous side

/**
 * Two lines of texts for a list of dates.
 * @param dates clock parts in the DAG's zone (`partsIn`)
 * @return {fine, coarse}: lists of {column, text}
 */
function axisOf(dates) {
  const days = new Set(dates.map((at) => `${at.year}-${at.month}-${at.day}`));
  const midnight = dates.every((at) => !at.hour && !at.minute);
  if (!midnight && days.size < dates.length) {
    return axisLines(
      dates,
      (at) => String(at.hour).padStart(2, "0"),
      (at) => `${at.day} ${MONTHS[at.month - 1]}`,
    );
  }
  if (dates.length > 1 && dates.every((at) => at.day === 1)) {
    return axisLines(
      dates,
      (at) => String(at.month).padStart(2, "0"),
      (at) => String(at.year),
    );
  }
  return axisLines(
    dates,
    (at) => String(at.day),
    (at) => `${MONTHS[at.month - 1]} ${at.year}`,
  );
}

function axisLines(dates, fine, coarse) {
  const starts = [];
  dates.forEach((at, column) => {
    if (!column || coarse(dates[column - 1]) !== coarse(at)) starts.push({ column, text: coarse(at) });
  });
  return { fine: dates.map((at, column) => ({ column, text: fine(at) })), coarse: starts };
}

/** The starts that don't run into one another; the grid's cut-off edge gives way to a real start. */
function thinned(ticks) {
  const kept = [];
  for (const tick of ticks) {
    const last = kept.at(-1);
    if (last && tick.column - last.column < (last.text.length * LETTER_WIDTH + 8) / PITCH) {
      if (kept.length === 1 && last.column === 0) kept[0] = tick;
      continue;
    }
    kept.push(tick);
  }
  return kept;
}

/**
 * Draw the axis: fine texts, coarse ones with a line before them, the mark of today.
 * @return its coarse texts: {x, width, node}
 */
function drawAxis(svg, dates, { ghosts, today }) {
  const { fine, coarse } = axisOf(dates);
  const parts = fine.map((tick) =>
    draw(
      "text",
      {
        class: tick.column >= dates.length - ghosts ? "nbf-fine nbf-coming" : "nbf-fine",
        x: tick.column * PITCH + SQUARE / 2,
        y: 13,
      },
      tick.text,
    ),
  );
  for (const tick of coarse) {
    if (tick.column)
      parts.push(
        draw("line", {
          class: "nbf-tick",
          x1: tick.column * PITCH - 1.5,
          x2: tick.column * PITCH - 1.5,
          y1: 2,
          y2: 32,
        }),
      );
  }
  const texts = thinned(coarse).map((tick) => {
    const x = tick.column * PITCH + 2;
    const node = draw("text", { class: "nbf-coarse", x, y: 29 }, tick.text);
    return { x, width: tick.text.length * LETTER_WIDTH, node };
  });
  parts.push(...texts.map((text) => text.node));
  dates.forEach((at, column) => {
    const day = `${at.year}-${String(at.month).padStart(2, "0")}-${String(at.day).padStart(2, "0")}`;
    if (day !== today) return;
    parts.push(
      draw(
        "rect",
        { class: "nbf-today", x: column * PITCH + 3, y: 16.5, width: SQUARE - 6, height: 2, rx: 1 },
        draw("title", {}, "today"),
      ),
    );
  });
  svg.replaceChildren(...parts);
  return texts;
}

/** Keep the text that the left edge lies under in sight: it stays there until the next one pushes it away. */
function stickAxis(texts, left) {
  texts.forEach(({ x, width, node }, at) => {
    const until = at + 1 < texts.length ? texts[at + 1].x - width - 8 : Infinity;
    node.setAttribute("x", Math.max(x, Math.min(left + 2, until)));
  });
}
