// Numbers and moments in words.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `18 ms`, `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`; "" where there is none. */
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.0995) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** `1 task`, `3 tasks`. */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** `512 B`, `1.4 MB`. */
function bytes(size) {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  let left = size;
  while (left >= 1000 && at < units.length - 1) {
    left /= 1000;
    at += 1;
  }
  return `${at && left < 10 ? left.toFixed(1) : Math.round(left)} ${units[at]}`;
}

/**
 * An instant in the DAG's zone, as clock parts.
 * @param iso an ISO time with an offset
 * @param zone an IANA name
 */
function partsIn(iso, zone) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return null;
  const found = {};
  for (const { type, value } of clockOf(zone).formatToParts(moment)) found[type] = Number(value);
  return {
    year: found.year,
    month: found.month,
    day: found.day,
    hour: found.hour,
    minute: found.minute,
    second: found.second,
  };
}

const CLOCKS = new Map();

function clockOf(zone) {
  if (!CLOCKS.has(zone)) {
    const options = {
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    };
    let clock;
    try {
      clock = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch {
      clock = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
    }
    CLOCKS.set(zone, clock);
  }
  return CLOCKS.get(zone);
}

/** `17 Feb 2013`, with the time unless it is midnight. */
function dateWords(iso, zone) {
  const at = partsIn(iso, zone);
  if (!at) return String(iso ?? "");
  const day = `${at.day} ${MONTHS[at.month - 1]} ${at.year}`;
  return at.hour || at.minute ? `${day}, ${clockWords(at)}` : day;
}

/**
 * A label of a run (`2013-02-17`, `2013-02-17T06:00`, `…~NAME`) as clock parts; null of another text.
 * Labels are in the DAG's zone already.
 */
function partsOfLabel(label) {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d))?/.exec(label ?? "");
  if (!found) return null;
  const [year, month, day, hour, minute] = found.slice(1).map((text) => Number(text ?? 0));
  return { year, month, day, hour, minute, second: 0 };
}

/** A label for people: `17 Feb 2013`, `17 Feb 2013, 06:00`, `17 Feb 2013 ~NAME`. */
function labelWords(label) {
  const at = partsOfLabel(label);
  if (!at) return String(label ?? "");
  const variant = label.includes("~") ? ` ${label.slice(label.indexOf("~"))}` : "";
  return `${at.day} ${MONTHS[at.month - 1]} ${at.year}${at.hour || at.minute ? `, ${clockWords(at)}` : ""}${variant}`;
}

/** `17 Feb`, with the year where it isn't that of `today` (`2013-02-20`). */
function shortDay(label, today) {
  const words = labelWords(label);
  return today && label?.slice(0, 4) === today.slice(0, 4)
    ? words.replace(` ${today.slice(0, 4)}`, "")
    : words;
}

/** `06:00:12` of an instant, in the zone. */
function timeWords(iso, zone) {
  const at = partsIn(iso, zone);
  return at ? `${clockWords(at)}:${String(at.second).padStart(2, "0")}` : "";
}

function clockWords(at) {
  return `${String(at.hour).padStart(2, "0")}:${String(at.minute).padStart(2, "0")}`;
}

/** A text cut to this many px at a size of letters, with an ellipsis. */
function shortened(text, width, size = 12) {
  const shown = plain(text).slice(0, 500);
  const ruler = rulerOf(size);
  const fits = (length) => ruler.measureText(`${shown.slice(0, length)}…`).width <= width;
  if (ruler.measureText(shown).width <= width) return shown;
  let [good, bad] = [1, shown.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (fits(middle)) good = middle;
    else bad = middle;
  }
  return `${shown.slice(0, good)}…`;
}

const RULERS = new Map();

/** Measures texts of a size in the page's own font. */
function rulerOf(size) {
  if (!RULERS.has(size)) {
    const ruler = document.createElement("canvas").getContext("2d");
    const root = getComputedStyle(document.documentElement);
    ruler.font = `${size}px ${root.getPropertyValue("--jp-ui-font-family").trim() || "system-ui, sans-serif"}`;
    RULERS.set(size, ruler);
  }
  return RULERS.get(size);
}

/** The middle one of some numbers; null of none. */
function median(numbers) {
  const sorted = numbers.filter((number) => Number.isFinite(number)).sort((a, b) => a - b);
  if (!sorted.length) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
