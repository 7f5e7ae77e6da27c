// The interactive timeline of jobs: with widget.js a widget of notebooks, in reports a part of the page.
// Its data is what payload.py makes. Texts of the data become text nodes or canvas text, never markup.

const AXIS = 26, HEAD = 18, TALLEST = 460, LOWEST = 10, ROOMY = 20;
const LEAST_SPAN = 60, MOST_LISTED = 200, NEAR = 4;
const DAY = 86400;
const FILTERS = ["project", "team", "user", "status"];
const HUES = { phase: "phase", gpu_type: "GPU type", user: "user" };
// What a part of a bar looks like: how much of the colour is there, and whether it has an outline.
const PARTS = {
  waiting: [0.12, true],
  "waiting or deploying": [0.22, true],
  deploying: [0.4, false],
  "not known": [1, false],
  "deploying or running": [1, false],
  running: [1, false],
  lost: [1, false],
};
const NONE = "-";
// Phases that the page's own ink stands for, and that need an outline on light grounds.
const BLACK = "#000000", YELLOW = "#ECE133";

/** Make an element with properties and children; strings among them are text. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "role") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Numbers and times as the tables of trainview write them

/** Round to the nearest, of two equally near ones to the even, as Python does. */
function fixed(value, decimals) {
  const scaled = value * 10 ** decimals;
  const low = Math.floor(scaled);
  const isTie = scaled - low === 0.5 && Number.isInteger(value * 1024);
  const rounded = isTie ? (low + (low % 2)) / 10 ** decimals : Number(value.toFixed(decimals));
  return rounded.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

function short(value, decimals) {
  const smallest = 10 ** -decimals;
  return value > 1e-9 && value < smallest / 2
    ? `<${smallest.toFixed(decimals)}`
    : fixed(value, decimals);
}

const whole = (value) => value.toLocaleString("en");
const hours = (seconds) => `${short(seconds / 3600, 1)} h`;
const count = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
const moment = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

// Data

function read(data) {
  const size = data.job_id.length;
  const numbers = (values) => Float64Array.from(values, (value) => value ?? NaN);
  const start = numbers(data.start);
  const first = new Uint32Array(size + 1);
  for (let job = 0; job < size; job++) first[job + 1] = first[job] + Number(data.parts.count[job]);
  const until = Float64Array.from(data.parts.until);
  const end = new Float64Array(size).fill(NaN);
  for (let job = 0; job < size; job++) {
    for (let part = first[job]; part < first[job + 1]; part++) until[part] += start[job];
    const long = data.elapsed[job];
    if (long !== null) end[job] = start[job] + long;
  }
  const isOpen = new Uint8Array(size);
  for (const job of data.open) isOpen[job] = 1;
  const groups = {};
  for (const [name, { values, codes }] of Object.entries(data.groups)) {
    groups[name] = { values, codes: Int32Array.from(codes) };
  }
  const text = (name, job) => groups[name].values[groups[name].codes[job]] ?? "";
  const searched = Array.from({ length: size }, (_, job) =>
    [data.job_id[job], data.job_name[job] ?? "", ...Object.keys(groups).map((name) => text(name, job))]
      .join(" ").toLowerCase(),
  );
  return {
    size, start, end, first, until, groups, searched,
    kind: Uint8Array.from(data.parts.kind),
    kinds: data.parts.names,
    isOpen,
    gpus: data.gpus, gpuHours: data.gpu_hours,
    estimated: data.estimated_usd, billed: data.billed_usd,
    id: data.job_id,
    name: (job) => data.job_name[job]?.trim() || data.job_id[job],
    origin: data.origin, asOf: data.as_of, colours: data.colours,
    value: (name, job) => groups[name].values[groups[name].codes[job]] ?? null,
  };
}

/** What is told of a job: pairs of a word and a value. */
function facts(jobs, job) {
  const gpuType = jobs.value("gpu_type", job);
  const gpus = `${whole(jobs.gpus[job])}${gpuType === null ? "" : ` ${gpuType}`}`;
  const found = [
    ["Job", jobs.name(job)],
    ["Job id", jobs.id[job]],
    ["Project", jobs.value("project", job) ?? NONE],
    ["Team", jobs.value("team", job) ?? NONE],
    ["User", jobs.value("user", job) ?? NONE],
    ["Status", jobs.value("status", job) ?? NONE],
    ["GPUs", gpus],
    ["Submitted", Number.isNaN(jobs.start[job]) ? NONE : `${moment(jobs.origin + jobs.start[job])} UTC`],
  ];
  if (jobs.isOpen[job]) found.push(["Ended", "open"]);
  else found.push(["Ended", Number.isNaN(jobs.end[job]) ? NONE : `${moment(jobs.origin + jobs.end[job])} UTC`]);
  let from = jobs.start[job];
  const parts = [];
  for (let part = jobs.first[job]; part < jobs.first[job + 1]; part++) {
    parts.push(`${jobs.kinds[jobs.kind[part]]} ${hours(jobs.until[part] - from)}`);
    from = jobs.until[part];
  }
  found.push(["Phases", parts.join(", ") || (Number.isNaN(jobs.end[job]) ? "inconsistent timestamps" : NONE)]);
  const spent = jobs.gpuHours[job];
  found.push(["GPU-hours", spent === null ? NONE : short(spent, 1)]);
  const costs = [];
  if (jobs.billed[job] !== null) costs.push(`${short(jobs.billed[job], 2)} USD billed`);
  if (jobs.estimated[job] !== null) costs.push(`${short(jobs.estimated[job], 2)} USD estimated`);
  found.push(["Cost", costs.join(", ") || "not known"]);
  return found;
}

// Lanes

/** A heap of numbers, the smallest on top; with keys, the one with the smallest key. */
class Heap {
  constructor(key = (item) => item) {
    this.items = [];
    this.key = key;
  }
  get top() {
    return this.items[0];
  }
  push(item) {
    const { items, key } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (key(items[above]) <= key(item)) break;
      items[at] = items[above];
      at = above;
    }
    items[at] = item;
  }
  pop() {
    const { items, key } = this;
    const [found] = items;
    const last = items.pop();
    if (items.length) {
      let at = 0;
      for (;;) {
        let below = 2 * at + 1;
        if (below >= items.length) break;
        if (below + 1 < items.length && key(items[below + 1]) < key(items[below])) below++;
        if (key(items[below]) >= key(last)) break;
        items[at] = items[below];
        at = below;
      }
      items[at] = last;
    }
    return found;
  }
}

/** Lay the jobs that are shown out: lanes of a project together, in each no two at one time. */
function layOut(jobs, shown) {
  const { start, end } = jobs;
  const { values, codes } = jobs.groups.project;
  const opens = new Float64Array(values.length).fill(Infinity);
  for (const job of shown) opens[codes[job]] = Math.min(opens[codes[job]], start[job]);
  const order = [...values.keys()].filter((code) => opens[code] < Infinity)
    .sort((a, b) => opens[a] - opens[b] || a - b);
  const place = new Int32Array(values.length);
  order.forEach((code, at) => { place[code] = at; });
  const sorted = Uint32Array.from(shown);
  sorted.sort((a, b) => place[codes[a]] - place[codes[b]] || start[a] - start[b] || a - b);
  const lane = new Int32Array(jobs.size).fill(-1);
  const blocks = [];
  let lanes = 0, at = 0;
  for (const code of order) {
    const busy = new Heap((job) => end[job]), free = new Heap();
    let used = 0;
    for (; at < sorted.length && codes[sorted[at]] === code; at++) {
      const job = sorted[at];
      // one without a duration occupies its instant
      while (busy.items.length && end[busy.top] <= start[job] && start[busy.top] < start[job]) {
        free.push(lane[busy.pop()]);
      }
      lane[job] = free.items.length ? free.pop() : lanes + used++;
      busy.push(job);
    }
    blocks.push({ name: values[code], first: lanes, lanes: used });
    lanes += used;
  }
  const from = new Uint32Array(lanes + 1);
  for (const job of sorted) from[lane[job] + 1]++;
  for (let one = 0; one < lanes; one++) from[one + 1] += from[one];
  const next = from.slice(), inLane = new Uint32Array(sorted.length);
  for (const job of sorted) inLane[next[lane[job]]++] = job;
  return { sorted, lane, inLane, from, lanes, blocks };
}

/** Give lanes their places along y: each block has a line for its name. */
function stack(plan) {
  const room = TALLEST - AXIS - plan.blocks.length * HEAD;
  const height = Math.round(Math.min(Math.max(room / Math.max(plan.lanes, 1), LOWEST), ROOMY));
  const top = new Float64Array(plan.lanes + 1);
  let y = AXIS;
  for (const block of plan.blocks) {
    block.top = y;
    y += HEAD;
    for (let one = 0; one < block.lanes; one++, y += height) top[block.first + one] = y;
  }
  top[plan.lanes] = y + 4;
  return Object.assign(plan, { top, laneHeight: height, height: y + 4 });
}

/** The first place in from..to whose value is at least as large. */
function search(from, to, wanted, value) {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (value(middle) < wanted) from = middle + 1;
    else to = middle;
  }
  return from;
}

// The axis of time

const STEPS = [60, 300, 900, 1800, 3600, 10800, 21600, 43200, DAY, 2 * DAY, 7 * DAY];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Moments to mark, and their names, so that each has some room; and the day or year that they leave out. */
function ticks(from, to, most) {
  const found = [];
  const least = (to - from) / Math.max(most, 1);
  const step = STEPS.find((one) => one >= least);
  const name = (date) => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  const date = new Date(from * 1000);
  if (step) {
    // weeks begin on Mondays
    const shift = step === 7 * DAY ? 4 * DAY : 0;
    const year = `${date.getUTCFullYear()}`;
    let latest = date.getUTCFullYear();
    for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) {
      const one = new Date(at * 1000);
      const turn = one.getUTCFullYear() > latest ? ` ${latest = one.getUTCFullYear()}` : "";
      found.push([at, at % DAY === 0 ? `${name(one)}${turn}` : one.toISOString().slice(11, 16)]);
    }
    return { marks: found, within: step < DAY ? `${name(date)} ${year}` : year };
  }
  const months = [1, 3, 6, 12, 24, 60, 120, 600, 1200, 12000].find((one) => one * 30 * DAY >= least) ?? 12000;
  let month = Math.ceil((date.getUTCFullYear() * 12 + date.getUTCMonth()) / months) * months;
  for (;; month += months) {
    const at = new Date(0);
    at.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
    const seconds = at.getTime() / 1000;
    if (seconds > to || Number.isNaN(seconds)) return { marks: found, within: "" };
    const year = `${at.getUTCFullYear()}`;
    if (seconds >= from) found.push([seconds, month % 12 === 0 ? year : `${MONTHS[month % 12]} ${year}`]);
  }
}

// Colours

function isBright(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18;
}

/** A colour for each value of a column: of phases their own, else of the most frequent ones. */
function hues(jobs, by) {
  const { values, codes } = jobs.groups[by];
  const tally = new Array(values.length + 1).fill(0);
  for (const code of codes) tally[code < 0 ? values.length : code]++;
  const { phase, palette, others } = jobs.colours;
  const ranked = [...values.keys()].sort((a, b) => tally[b] - tally[a] || a - b);
  const found = new Array(values.length + 1).fill(others);
  const samples = [];
  if (by === "phase") {
    values.forEach((value, code) => { found[code] = phase[value] ?? phase.unknown; });
    for (const name of Object.keys(phase)) {
      if (!values.includes(name)) continue;
      const alike = samples.find(([, colour]) => colour === phase[name]);
      if (alike) alike[0] += ` or ${name}`;
      else samples.push([name, phase[name]]);
    }
  } else {
    ranked.slice(0, palette.length).forEach((code, at) => {
      found[code] = palette[at];
      samples.push([values[code], palette[at]]);
    });
    const rest = ranked.length - palette.length;
    if (rest > 0) samples.push([`${whole(rest)} others`, others]);
    else if (tally[values.length]) samples.push(["none", others]);
  }
  return { of: (job) => found[codes[job] < 0 ? values.length : codes[job]], samples };
}

// The program

/**
 * Put a timeline into an element.
 *
 * `data` is what payload.py makes. Of the options, `selected` holds the numbers of the jobs that are
 * selected at first, `onSelect` is called with those that somebody selects, and `listing` says
 * whether jobs can be unfolded as a table. Returns `select`, to select from outside, `view`, which
 * gives the time that is in sight, in seconds from the first job, `write`, which writes a number as
 * the program does, and `remove`.
 */
function timeline(root, data, { selected = [], onSelect = () => {}, listing = true } = {}) {
  const jobs = read(data);
  const drawable = [...Array(jobs.size).keys()].filter((job) => !Number.isNaN(jobs.end[job]));
  const left = 0;
  const right = drawable.reduce((most, job) => Math.max(most, jobs.end[job]), left + 3600);
  const margin = (right - left) * 0.02;
  const everything = { from: left - margin, to: right + 2 * margin };
  const view = { ...everything };
  const marked = new Set(selected);
  let plan, shown = [], hue, hovered = -1, focused = -1, brush = null, frame = 0, selects = false;

  // Elements

  const canvas = make("canvas", { tabIndex: 0, role: "application", "aria-roledescription": "timeline" });
  const spacer = make("div", { className: "tv-spacer" });
  const stage = make("div", { className: "tv-stage" }, canvas, spacer);
  const tip = make("dl", { className: "tv-tip", hidden: true });
  const spoken = make("p", { className: "tv-unseen", "aria-live": "polite" });
  const tally = make("p", { className: "tv-tally", role: "status" });
  const legend = make("ul", { className: "tv-legend", "aria-label": "Legend" });
  const note = make("p", { className: "tv-note" });
  const input = make("input", { type: "search", autocomplete: "off", spellcheck: false });
  const button = (text, click, more = {}) => {
    const made = make("button", { type: "button", ...more }, text);
    made.addEventListener("click", click);
    return made;
  };
  const choice = (text, options) => {
    const select = make("select", {}, ...options.map(([value, name]) => make("option", { value }, name)));
    select.addEventListener("change", () => change());
    return [make("label", {}, `${text} `, select), select];
  };
  const filters = {};
  const labels = [];
  for (const name of FILTERS) {
    const { values, codes } = jobs.groups[name];
    const there = [...new Set(codes)].sort((a, b) => (a < 0) - (b < 0) || values[a].localeCompare(values[b], "en"));
    const options = there.map((code) => [code, code < 0 ? "none" : values[code]]);
    const [label, select] = choice(name[0].toUpperCase() + name.slice(1), [["", "all"], ...options]);
    filters[name] = select;
    if (there.length > 1) labels.push(label);
  }
  const [hueLabel, hueBy] = choice("Colour by", Object.entries(HUES));
  const brushing = button("Select by dragging", () => {
    selects = !selects;
    brushing.setAttribute("aria-pressed", selects);
    canvas.classList.toggle("tv-selects", selects);
  }, { "aria-pressed": "false" });
  const clear = button("Clear selection", () => choose([]));
  const tools = make(
    "div",
    { className: "tv-tools", role: "group", "aria-label": "Timeline" },
    make("label", {}, "Search ", input), ...labels, hueLabel,
    make("span", { className: "tv-buttons" },
      button("+", () => zoom(0.5), { "aria-label": "Zoom in" }),
      button("−", () => zoom(2), { "aria-label": "Zoom out" }),
      button("Show all", reset),
      brushing,
      button("Select shown", () => choose(shown)),
      clear,
    ),
  );
  const box = make("div", { className: "tv-frame" }, stage, tip);
  const table = make("table");
  const unfold = make("details", { className: "tv-listing" }, make("summary", {}, "These jobs as a table"),
    make("div", { className: "tv-scroll", tabIndex: 0, role: "region", "aria-label": "These jobs as a table" }, table));
  unfold.addEventListener("toggle", list);
  root.classList.add("trainview-timeline");
  root.replaceChildren(tools, tally, legend, box, note, spoken, ...(listing ? [unfold] : []));
  const span = `${moment(jobs.origin + left)} to ${moment(jobs.origin + right)} UTC`;
  canvas.setAttribute("aria-label", jobs.size
    ? `Timeline of ${count(jobs.size, "job")}, ${span}. Arrow keys move from job to job, Enter selects, Escape clears, plus and minus zoom.`
    : "Timeline without jobs");
  const hint = "Times are in UTC. Drag to pan, Ctrl and the wheel or two fingers to zoom; Shift and drag selects. " +
    "Keys: arrows, Enter, Escape, + and −.";
  const odd = jobs.size - drawable.length;
  note.textContent = odd ? `${count(odd, "job")} not drawn: inconsistent timestamps. ${hint}` : hint;

  // State

  function change() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = FILTERS.filter((name) => filters[name].value !== "")
      .map((name) => [jobs.groups[name].codes, Number(filters[name].value)]);
    const before = shown.length;
    shown = [];
    for (let job = 0; job < jobs.size; job++) {
      if (wanted.every(([codes, code]) => codes[job] === code)
        && words.every((word) => jobs.searched[job].includes(word))) shown.push(job);
    }
    hue = hues(jobs, hueBy.value);
    plan = stack(layOut(jobs, shown.filter((job) => !Number.isNaN(jobs.end[job]))));
    if (focused >= 0 && plan.lane[focused] < 0) focused = -1;
    hover(-1);
    const parts = [...new Set(jobs.kind)].sort().map((kind) => jobs.kinds[kind])
      .filter((name) => PARTS[name][0] < 1 || name === "lost");
    legend.replaceChildren(
      ...hue.samples.map(([name, colour]) => sample(name, colour)),
      ...(parts.length ? [make("li", {}, "Parts of bars:")] : []),
      ...parts.map((name) => sample(name, "", ...PARTS[name])),
    );
    if (before && marked.size) {
      const there = new Set(shown);
      const kept = [...marked].filter((job) => there.has(job));
      if (kept.length < marked.size) choose(kept);
    }
    resize();
    tell();
  }

  function sample(name, colour, alpha, outlined) {
    const patch = make("span", { className: "tv-patch" });
    if (colour) patch.style.background = colour === BLACK ? "currentColor" : colour;
    else if (name === "lost") patch.classList.add("tv-lost");
    else patch.style.setProperty("--tv-alpha", `${alpha * 100}%`);
    if (outlined) patch.classList.add("tv-hollow");
    return make("li", {}, patch, make("bdi", {}, name));
  }

  function tell() {
    const all = shown.length === jobs.size ? count(jobs.size, "job") : `${whole(shown.length)} of ${count(jobs.size, "job")} shown`;
    const { codes } = jobs.groups.project;
    let text = `${all} in ${count(new Set(shown.map((job) => codes[job])).size, "project")}`;
    if (marked.size) {
      const sum = (values) => [...marked].reduce((total, job) => total + (values[job] ?? 0), 0);
      const known = (values) => [...marked].filter((job) => values[job] !== null).length;
      const money = [[jobs.billed, "billed"], [jobs.estimated, "estimated"]]
        .filter(([values]) => known(values))
        .map(([values, word]) => {
          const missing = marked.size - known(values);
          return `, ${short(sum(values), 2)} USD ${word}${missing ? ` (${count(missing, "job")} without)` : ""}`;
        });
      text += `; ${whole(marked.size)} selected: ${short(sum(jobs.gpuHours), 1)} GPU-hours${money.join("")}`;
    }
    tally.textContent = text;
    clear.disabled = marked.size === 0;
    list();
  }

  function choose(rows) {
    mark(rows);
    onSelect([...marked].sort((a, b) => a - b));
  }

  function mark(rows) {
    marked.clear();
    for (const job of rows) if (Number.isInteger(job) && job >= 0 && job < jobs.size) marked.add(job);
    tell();
    redraw();
  }

  function list() {
    if (!unfold.open) return;
    const rows = (marked.size ? [...marked] : shown).slice().sort((a, b) => jobs.start[b] - jobs.start[a]);
    const names = jobs.size ? facts(jobs, 0).map(([name]) => name) : [];
    const cells = (job) => facts(jobs, job).map(([, value]) => make("td", {}, make("bdi", {}, value)));
    const some = rows.length > MOST_LISTED ? `The newest ${MOST_LISTED} of ${count(rows.length, "job")}` : count(rows.length, "job");
    table.replaceChildren(
      make("caption", {}, `${some}${marked.size ? ", as selected" : ""}`),
      make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows.slice(0, MOST_LISTED).map((job) => make("tr", {}, ...cells(job)))),
    );
  }

  // Drawing

  const pen = canvas.getContext("2d");
  let width = 0, tall = 0, hatch = null, hatchInk = "";

  function resize() {
    const wide = stage.clientWidth;
    if (!wide) return;
    tall = Math.min(Math.max(plan.height, AXIS + 60), TALLEST);
    stage.style.height = `${tall}px`;
    spacer.style.height = `${Math.max(plan.height - tall, 0)}px`;
    width = stage.clientWidth;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(tall * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${tall}px`;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    redraw();
  }

  const redraw = () => { frame ||= requestAnimationFrame(draw); };
  const place = (time) => ((time - view.from) / (view.to - view.from)) * width;
  const timeAt = (x) => view.from + (x / width) * (view.to - view.from);

  function hatching(ink) {
    if (hatchInk === ink) return hatch;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const line = tile.getContext("2d");
    line.strokeStyle = ink;
    line.lineWidth = 2;
    for (const at of [-6, 0, 6]) {
      line.moveTo(at, 6);
      line.lineTo(at + 6, 0);
    }
    line.stroke();
    hatchInk = ink;
    hatch = pen.createPattern(tile, "repeat");
    return hatch;
  }

  function draw() {
    frame = 0;
    if (!width) return;
    const style = getComputedStyle(root);
    const ink = style.color, ground = style.backgroundColor;
    const font = style.fontFamily;
    const above = stage.scrollTop;
    pen.globalAlpha = 1;
    pen.fillStyle = ground;
    pen.fillRect(0, 0, width, tall);
    drawAxis(ink, font);
    pen.save();
    pen.beginPath();
    pen.rect(0, AXIS, width, tall - AXIS);
    pen.clip();
    pen.translate(0, -above);
    const firstLane = search(0, plan.lanes, above + AXIS - plan.laneHeight, (one) => plan.top[one]);
    const lastLane = search(firstLane, plan.lanes, above + tall, (one) => plan.top[one]);
    const bar = Math.max(plan.laneHeight - (plan.laneHeight > 9 ? 3 : 1), 1);
    const texts = [];
    for (let lane = firstLane; lane < lastLane; lane++) drawLane(lane, bar, ink, texts);
    pen.globalAlpha = 1;
    drawNames(texts, font);
    drawBlocks(above, ink, ground, font);
    if (focused >= 0) outline(focused, bar, ink, 2);
    if (hovered >= 0) outline(hovered, bar, ink, 1);
    pen.restore();
    if (brush) {
      const [x, y] = [Math.min(brush.x, brush.toX), Math.min(brush.y, brush.toY)];
      const [w, h] = [Math.abs(brush.toX - brush.x), Math.abs(brush.toY - brush.y)];
      pen.fillStyle = pen.strokeStyle = ink;
      pen.globalAlpha = 0.12;
      pen.fillRect(x, y, w, h);
      pen.globalAlpha = 1;
      pen.strokeRect(x + 0.5, y + 0.5, w, h);
    }
  }

  function drawAxis(ink, font) {
    pen.fillStyle = ink;
    pen.font = `12px ${font}`;
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    const { marks, within } = ticks(jobs.origin + view.from, jobs.origin + view.to, width / 90);
    pen.font = `600 12px ${font}`;
    pen.fillText(within, 4, AXIS / 2);
    const taken = within && pen.measureText(within).width + 6;
    pen.font = `12px ${font}`;
    for (const [at, name] of marks) {
      const x = Math.round(place(at - jobs.origin));
      pen.globalAlpha = 0.15;
      pen.fillRect(x, 0, 1, tall);
      pen.globalAlpha = 1;
      if (x >= taken) pen.fillText(name, x + 4, AXIS / 2);
    }
    if (jobs.asOf === null) return;
    const now = Math.round(place(jobs.asOf - jobs.origin));
    pen.globalAlpha = 0.7;
    for (let y = AXIS; y < tall; y += 6) pen.fillRect(now, y, 1, 3);
    pen.globalAlpha = 1;
  }

  function drawLane(lane, bar, ink, texts) {
    const { inLane, from, top } = plan;
    const { start, end, first, until, kind, kinds, isOpen } = jobs;
    const scale = width / (view.to - view.from);
    const y = top[lane], stop = from[lane + 1];
    let painted = -1;
    for (let at = search(from[lane], stop, view.from, (one) => end[inLane[one]]); at < stop; at++) {
      const job = inLane[at];
      if (start[job] > view.to) break;
      const x = (start[job] - view.from) * scale, to = (end[job] - view.from) * scale;
      // what would fall into a pixel that has a bar already is not seen
      if (to <= painted) continue;
      const begin = Math.max(x, painted, -2);
      const wide = Math.max(Math.min(to, width + 2) - begin, 1);
      painted = Math.ceil(begin + wide);
      const colour = hue.of(job) === BLACK ? ink : hue.of(job);
      const strength = marked.size && !marked.has(job) ? 0.3 : 1;
      pen.globalAlpha = strength;
      pen.fillStyle = colour;
      if (wide < 4) {
        pen.fillRect(begin, y, wide, bar);
        continue;
      }
      let left = x;
      for (let part = first[job]; part < first[job + 1]; part++) {
        const next = (until[part] - view.from) * scale;
        const l = Math.max(left, -2), w = Math.min(next, width + 2) - l;
        left = next;
        if (w <= 0) continue;
        const name = kinds[kind[part]];
        const [alpha, outlined] = PARTS[name];
        pen.globalAlpha = strength * alpha;
        pen.fillRect(l, y, w, bar);
        pen.globalAlpha = strength;
        if (outlined && w > 2) {
          pen.strokeStyle = colour;
          pen.strokeRect(l + 0.5, y + 0.5, w - 1, bar - 1);
        } else if (name === "lost") {
          pen.globalAlpha = strength * 0.75;
          pen.fillStyle = hatching(ink);
          pen.fillRect(l, y, w, bar);
          pen.fillStyle = colour;
        }
      }
      // black, yellow and the like have nearly the colour of some background
      if (colour === YELLOW) {
        pen.globalAlpha = strength * 0.5;
        pen.strokeStyle = ink;
        pen.strokeRect(begin + 0.5, y + 0.5, wide - 1, bar - 1);
      }
      if (isOpen[job]) {
        for (const [far, alpha] of [[0, 0.5], [4, 0.3], [8, 0.12]]) {
          pen.globalAlpha = strength * alpha;
          pen.fillRect(to + far, y, 4, bar);
        }
      }
      if (bar > 12 && wide > 48) texts.push([job, begin, wide, y + bar / 2, colour, strength]);
    }
  }

  const widths = new Map();

  function drawNames(texts, font) {
    pen.font = `11px ${font}`;
    pen.textBaseline = "middle";
    for (const [job, x, wide, y, colour, strength] of texts) {
      // the full part of a bar is where a name can be read
      let from = jobs.start[job];
      let [left, room] = [x, 0];
      for (let part = jobs.first[job]; part < jobs.first[job + 1]; part++) {
        const [begin, end] = [Math.max(place(from), x), Math.min(place(jobs.until[part]), x + wide)];
        from = jobs.until[part];
        if (PARTS[jobs.kinds[jobs.kind[part]]][0] === 1 && end - begin > room) [left, room] = [begin, end - begin];
      }
      if (room < 48 || !colour.startsWith("#")) continue;
      let name = jobs.name(job);
      if (!widths.has(name)) widths.set(name, pen.measureText(name).width);
      const size = widths.get(name);
      if (size > room - 10) {
        const letters = [...name];
        name = `${letters.slice(0, Math.floor((letters.length * (room - 18)) / size)).join("")}…`;
      }
      pen.globalAlpha = strength;
      pen.fillStyle = isBright(colour) ? "#1A1A1A" : "#FFFFFF";
      pen.fillText(name, left + 5, y, room - 6);
    }
    pen.globalAlpha = 1;
  }

  function drawBlocks(above, ink, ground, font) {
    pen.font = `600 12px ${font}`;
    for (const block of plan.blocks) {
      const bottom = block.top + HEAD + block.lanes * plan.laneHeight;
      if (bottom < above + AXIS || block.top > above + tall) continue;
      pen.globalAlpha = 0.25;
      pen.fillStyle = ink;
      pen.fillRect(0, block.top, width, 1);
      // the name stays in sight as long as the block does
      const y = Math.min(Math.max(block.top, above + AXIS), bottom - HEAD);
      const wide = Math.min(pen.measureText(block.name).width, width * 0.7) + 10;
      pen.globalAlpha = y > block.top ? 0.85 : 0;
      pen.fillStyle = ground;
      pen.fillRect(0, y + 1, wide, HEAD - 1);
      pen.globalAlpha = 1;
      pen.fillStyle = ink;
      pen.fillText(block.name, 5, y + HEAD / 2 + 1, width * 0.7);
    }
  }

  function outline(job, bar, ink, line) {
    const lane = plan.lane[job];
    if (lane < 0) return;
    const x = place(jobs.start[job]), wide = Math.max(place(jobs.end[job]) - x, 2);
    pen.globalAlpha = 1;
    pen.strokeStyle = ink;
    pen.lineWidth = line;
    pen.strokeRect(x - 1.5, plan.top[lane] - 1.5, wide + 3, bar + 3);
    pen.lineWidth = 1;
  }

  // Finding, moving

  function jobAt(x, y) {
    if (y < AXIS) return -1;
    const lane = search(0, plan.lanes, y + stage.scrollTop + 0.01, (one) => plan.top[one]) - 1;
    if (lane < 0 || y + stage.scrollTop >= plan.top[lane] + plan.laneHeight) return -1;
    const { inLane, from } = plan;
    const near = (NEAR / width) * (view.to - view.from);
    const time = timeAt(x);
    const at = search(from[lane], from[lane + 1], time - near, (one) => jobs.end[inLane[one]]);
    let best = -1, least = near;
    for (let one = at; one < Math.min(at + 3, from[lane + 1]); one++) {
      const job = inLane[one];
      const away = Math.max(jobs.start[job] - time, time - jobs.end[job], 0);
      if (away <= 0) return job;
      if (away < least) [best, least] = [job, away];
    }
    return best;
  }

  function within(rectangle) {
    const { x, toX, y, toY } = rectangle;
    const [from, to] = [timeAt(Math.min(x, toX)), timeAt(Math.max(x, toX))];
    const [low, high] = [Math.min(y, toY) + stage.scrollTop, Math.max(y, toY) + stage.scrollTop];
    return shown.filter((job) => {
      const lane = plan.lane[job];
      return lane >= 0 && plan.top[lane] < high && plan.top[lane] + plan.laneHeight > low
        && jobs.start[job] <= to && jobs.end[job] >= from;
    });
  }

  function look(from, to) {
    const most = everything.to - everything.from;
    const span = Math.min(Math.max(to - from, LEAST_SPAN), most);
    const begin = Math.min(Math.max((from + to - span) / 2, everything.from), everything.to - span);
    view.from = begin;
    view.to = begin + span;
    redraw();
  }

  function zoom(times, x = width / 2) {
    const fixedTime = timeAt(x), span = (view.to - view.from) * times;
    const most = Math.min(Math.max(span, LEAST_SPAN), everything.to - everything.from);
    const from = fixedTime - (x / width) * most;
    look(from, from + most);
  }

  function pan(pixels) {
    const by = (pixels / width) * (view.to - view.from);
    look(view.from + by, view.to + by);
  }

  function reset() {
    input.value = "";
    for (const select of Object.values(filters)) select.value = "";
    Object.assign(view, everything);
    change();
  }

  // Pointing

  function hover(job, x = 0, y = 0) {
    hovered = job;
    tip.hidden = job < 0;
    if (job >= 0) {
      tip.replaceChildren(...facts(jobs, job).filter(([name, value]) => name !== "Job id" || value !== jobs.name(job))
        .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, make("bdi", {}, value)))));
      const wide = Math.min(tip.offsetWidth, width);
      tip.style.left = `${Math.max(Math.min(x + 14, width - wide - 4), 0)}px`;
      const high = tip.offsetHeight;
      tip.style.top = `${y + 18 + high > tall && y - high - 10 > -60 ? y - high - 10 : y + 18}px`;
    }
    redraw();
  }

  const pointers = new Map();
  let drag = null, pinch = null;
  const at = (event) => {
    const { left: x, top: y } = canvas.getBoundingClientRect();
    return { x: event.clientX - x, y: event.clientY - y };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    const point = at(event);
    pointers.set(event.pointerId, point);
    canvas.setPointerCapture(event.pointerId);
    if (pointers.size === 2) {
      const [one, other] = [...pointers.values()];
      pinch = [timeAt(one.x), timeAt(other.x)];
      brush = drag = null;
    } else if (pointers.size === 1) {
      drag = { ...point, last: point.x, far: false };
      if (selects || event.shiftKey) brush = { ...point, toX: point.x, toY: point.y };
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const point = at(event);
    if (!pointers.has(event.pointerId)) {
      const job = jobAt(point.x, point.y);
      canvas.classList.toggle("tv-on-job", job >= 0);
      if (job >= 0 || hovered >= 0) hover(job, point.x, point.y);
      return;
    }
    pointers.set(event.pointerId, point);
    if (pinch && pointers.size === 2) {
      const [one, other] = [...pointers.values()];
      if (Math.abs(other.x - one.x) < 8) return;
      const scale = (pinch[1] - pinch[0]) / (other.x - one.x);
      if (scale > 0) look(pinch[0] - one.x * scale, pinch[0] + (width - one.x) * scale);
    } else if (drag) {
      drag.far ||= Math.hypot(point.x - drag.x, point.y - drag.y) > 4;
      if (!drag.far) return;
      if (hovered >= 0) hover(-1);
      if (brush) {
        Object.assign(brush, { toX: point.x, toY: point.y });
        redraw();
      } else {
        pan(drag.last - point.x);
        drag.last = point.x;
      }
    }
  });

  function release(event) {
    if (!pointers.delete(event.pointerId)) return;
    if (pointers.size < 2) pinch = null;
    const done = drag;
    drag = null;
    if (event.type === "pointercancel" || !done) {
      brush = null;
    } else if (done.far && brush) {
      const found = within(brush);
      const adds = event.ctrlKey || event.metaKey;
      brush = null;
      choose(adds ? [...marked, ...found] : found);
    } else if (!done.far) {
      brush = null;
      const job = jobAt(done.x, done.y);
      focused = job;
      if (event.pointerType === "touch" && !selects) {
        hover(job, done.x, done.y);
        spoken.textContent = job < 0 ? "" : describe(job);
      } else if (event.ctrlKey || event.metaKey) {
        if (job >= 0) toggle(job);
      } else if (job >= 0 || marked.size) {
        choose(job < 0 ? [] : [job]);
      }
    }
    redraw();
  }
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  // a finger leaves as soon as it is lifted
  canvas.addEventListener("pointerleave", (event) => { if (!drag && event.pointerType !== "touch") hover(-1); });

  canvas.addEventListener("wheel", (event) => {
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(Math.min(Math.max(event.deltaY * unit, -120), 120) / 250), at(event).x);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan((event.deltaX || event.deltaY) * unit);
    } else {
      hover(-1);
    }
  }, { passive: false });
  stage.addEventListener("scroll", redraw, { passive: true });

  // Keys

  const describe = (job) => facts(jobs, job).map(([name, value]) => `${name}: ${value}`).join("; ")
    + (marked.has(job) ? "; selected" : "");

  function toggle(job) {
    choose(marked.has(job) ? [...marked].filter((one) => one !== job) : [...marked, job]);
  }

  /** The job to go to: along its lane, from the last of it to the next lane, or up and down. */
  function neighbour(key) {
    const { inLane, from, lane } = plan;
    if (key === "Home" || focused < 0) return inLane[0];
    if (key === "End") return inLane[inLane.length - 1];
    const here = inLane.indexOf(focused);
    if (key === "ArrowRight") return inLane[Math.min(here + 1, inLane.length - 1)];
    if (key === "ArrowLeft") return inLane[Math.max(here - 1, 0)];
    const next = lane[focused] + (key === "ArrowDown" ? 1 : -1);
    if (next < 0 || next >= plan.lanes) return focused;
    let best = inLane[from[next]];
    for (let one = from[next]; one < from[next + 1]; one++) {
      const away = (job) => Math.abs(jobs.start[job] - jobs.start[focused]);
      if (away(inLane[one]) < away(best)) best = inLane[one];
    }
    return best;
  }

  function focus(job) {
    focused = job;
    const [from, to] = [jobs.start[job], jobs.end[job]];
    const span = view.to - view.from;
    if (from > view.to - span * 0.05 || to < view.from + span * 0.05) look(from - span / 3, from + (span * 2) / 3);
    const y = plan.top[plan.lane[job]];
    const [above, below] = [y - AXIS - HEAD, y + plan.laneHeight + 4 - tall];
    if (stage.scrollTop > above) stage.scrollTop = above;
    else if (stage.scrollTop < below) stage.scrollTop = below;
    const x = Math.min(Math.max(place(from), 0), width);
    hover(job, x, y - stage.scrollTop + plan.laneHeight / 2);
    spoken.textContent = describe(job);
  }

  canvas.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(key)) {
      if (plan.inLane.length) focus(neighbour(key));
    } else if ((key === "Enter" || key === " ") && focused >= 0) {
      toggle(focused);
      spoken.textContent = marked.has(focused) ? "selected" : "not selected";
    } else if (key === "Escape") {
      hover(-1);
      if (marked.size) choose([]);
      spoken.textContent = "nothing selected";
    } else if (key === "+" || key === "=") zoom(0.5);
    else if (key === "-") zoom(2);
    else if (key === "0") look(everything.from, everything.to);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => {
    focused = -1;
    hover(-1);
  });
  input.addEventListener("input", change);

  // The page around

  const sizes = new ResizeObserver(() => { if (stage.clientWidth !== width) resize(); });
  sizes.observe(stage);
  const themes = new MutationObserver(redraw);
  for (const one of [document.documentElement, document.body]) themes.observe(one, { attributes: true });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", redraw);

  change();
  return {
    select: mark,
    view: () => ({ ...view }),
    write: short,
    remove() {
      cancelAnimationFrame(frame);
      sizes.disconnect();
      themes.disconnect();
      dark.removeEventListener("change", redraw);
      root.replaceChildren();
    },
  };
}
