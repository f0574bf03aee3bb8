const SETTLE_MS = 350; // after the last step of a slider
const SHOWN_CANDIDATES = 6;
const NAMES = ["onset", "apex", "offset"];
const make = (tag, css, text) => {
  const node = document.createElement(tag);
  if (css) node.className = css;
  if (text !== undefined) node.textContent = text;
  return node;
};
const format = (ms) => `${Math.round(ms).toLocaleString("en").replaceAll(",", "\u202f")}\u202fms`;
let marks = {};
let timer = null;

const nearest = (ms) => {
  const times = props.value.times_ms;
  let low = 0, high = times.length - 1;
  while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] < ms) low = middle; else high = middle; }
  return ms - times[low] <= times[high] - ms ? low : high;
};
/* One mark moves; the others give way, so that onset < apex ≤ offset. */
const put = (name, row) => {
  const last = props.value.times_ms.length - 1;
  const rows = {};
  for (const other of NAMES) rows[other] = nearest(marks[other]);
  rows[name] = Math.min(Math.max(row, 0), last);
  if (name === "onset") { rows.onset = Math.min(rows.onset, last - 1); rows.apex = Math.max(rows.apex, rows.onset + 1); rows.offset = Math.max(rows.offset, rows.apex); }
  if (name === "apex") { rows.apex = Math.max(rows.apex, 1); rows.onset = Math.min(rows.onset, rows.apex - 1); rows.offset = Math.max(rows.offset, rows.apex); }
  if (name === "offset") { rows.offset = Math.max(rows.offset, 1); rows.apex = Math.min(rows.apex, rows.offset); rows.onset = Math.min(rows.onset, rows.apex - 1); }
  for (const other of NAMES) marks[other] = props.value.times_ms[rows[other]];
  place();
};
const send = (wait) => {
  clearTimeout(timer);
  timer = setTimeout(() => trigger("moved", { onset_ms: marks.onset, apex_ms: marks.apex, offset_ms: marks.offset }), wait);
};
const place = () => {
  const [start, end] = props.value.window_ms;
  const share = (ms) => Math.min(Math.max((100 * (ms - start)) / Math.max(end - start, 1), 0), 100);
  const track = element.querySelector(".track");
  track.style.setProperty("--from", `${share(marks.onset)}%`);
  track.style.setProperty("--to", `${share(marks.offset)}%`);
  for (const name of NAMES) {
    const range = element.querySelector(`input[data-mark=${name}]`);
    range.value = marks[name];
    range.setAttribute("aria-valuetext", format(marks[name]));
    const number = element.querySelector(`input[data-number=${name}]`);
    if (document.activeElement !== number) number.value = Math.round(marks[name]);
  }
};
const draw = () => {
  clearTimeout(timer);
  element.replaceChildren();
  const value = props.value;
  if (!value || value.times_ms.length < 3) return;
  marks = { onset: value.onset_ms, apex: value.apex_ms, offset: value.offset_ms };
  const times = value.times_ms;

  const track = make("div", "track");
  track.append(make("i", "rail"), make("i", "range"));
  for (const name of NAMES) {
    const range = make("input");
    Object.assign(range, { type: "range", min: value.window_ms[0], max: value.window_ms[1], step: "any" });
    range.dataset.mark = name;
    range.setAttribute("aria-label", `${name} in milliseconds`);
    range.addEventListener("input", () => put(name, nearest(Number(range.value))));
    range.addEventListener("change", () => send(0));
    range.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (!by) return;
      event.preventDefault();
      put(name, nearest(marks[name]) + by);
      send(SETTLE_MS);
    });
    track.append(range);
  }

  const numbers = make("div", "numbers");
  for (const name of NAMES) {
    const label = make("label", "", `${name[0].toUpperCase()}${name.slice(1)} `);
    const number = make("input");
    Object.assign(number, { type: "number", min: Math.round(times[0]), max: Math.round(times[times.length - 1]), step: "any", inputMode: "numeric" });
    number.dataset.number = name;
    number.setAttribute("aria-label", `${name} in milliseconds, exact`);
    number.addEventListener("change", () => { if (number.value !== "") { put(name, nearest(Number(number.value))); send(0); } });
    label.append(number, make("span", "subdued", "ms"));
    numbers.append(label);
  }

  if (value.long) {
    const zoom = make("button", "tool", value.whole ? "Around the moment" : "Whole clip");
    zoom.type = "button";
    zoom.addEventListener("click", () => trigger("zoomed", { whole: !value.whole }));
    numbers.append(zoom);
  }
  if (!value.set) {
    const look = make("button", "tool", "Look at this moment all the same");
    look.type = "button";
    look.addEventListener("click", () => send(0));
    numbers.append(look);
  }
  element.append(track, numbers);
  if (value.candidates.length) {
    const chips = make("div", "candidates");
    chips.setAttribute("role", "radiogroup");
    chips.setAttribute("aria-label", "Moments that were found");
    const few = value.candidates.length <= SHOWN_CANDIDATES + 1;
    for (const candidate of value.candidates) {
      const chip = make("button", candidate.chosen ? "chip chosen" : "chip", candidate.label);
      chip.type = "button";
      chip.title = candidate.detail;
      chip.setAttribute("role", "radio");
      chip.setAttribute("aria-checked", String(candidate.chosen));
      chip.addEventListener("click", () => candidate.chosen || trigger("picked", { number: candidate.number }));
      chip.hidden = !few && !candidate.chosen && candidate.number >= SHOWN_CANDIDATES;
      chips.append(chip);
    }
    if (!few) {
      const more = make("button", "chip more", `${chips.querySelectorAll("[hidden]").length} weaker`);
      more.type = "button";
      more.addEventListener("click", () => { for (const chip of chips.children) chip.hidden = false; more.remove(); });
      chips.append(more);
    }
    if (value.by_user) chips.append(make("span", "chip chosen own", "your moment"));
    element.append(chips);
  }
  if (value.message) {
    const said = make("p", "said", value.message);
    said.setAttribute("role", "alert");
    element.append(said);
  }
  place();
};
draw();
watch("value", draw);
