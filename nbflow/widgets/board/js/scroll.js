// What of the grid is in sight.

const AFTER = 34; // px after the last column, for the axis's last text

/** Have the grid end so that no column is cut in two at its left when the newest runs are in sight. */
function align(grid) {
  const whole = grid.names.offsetWidth + grid.cells.width.baseVal.value + AFTER;
  const hidden = Math.ceil(whole - grid.node.clientWidth);
  const more = hidden > 0 ? (PITCH - (hidden % PITCH)) % PITCH : 0;
  grid.sheet.style.paddingRight = `${AFTER + more}px`;
}

/** Scroll just as far as this place needs; -1 for a column or a line that doesn't matter. */
function bringIntoView(grid, column, line) {
  const { node } = grid;
  if (column >= 0) {
    const x = column * PITCH;
    const room = node.clientWidth - grid.names.offsetWidth;
    if (x < node.scrollLeft) node.scrollLeft = x - PITCH;
    else if (x + PITCH > node.scrollLeft + room) node.scrollLeft = x + 2 * PITCH - room;
  }
  if (line >= 0) {
    const y = line * PITCH;
    const room = node.clientHeight - grid.bars.height - FEET;
    if (y < node.scrollTop) node.scrollTop = y;
    else if (y + PITCH > node.scrollTop + room) node.scrollTop = y + PITCH - room;
  }
}
