const FLICKER_MS = 500; // each picture; both together last one second
const LOOP_MS = 60;
const $ = (selector) => element.querySelector(selector);
const make = (tag, css, text) => {
  const node = document.createElement(tag);
  if (css) node.className = css;
  if (text !== undefined) node.textContent = text;
  return node;
};
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const state = { view: "flicker", apex: false, playing: !calm.matches, arrows: false, units: false, loopPlaying: !calm.matches, loopAt: 0, alpha: null, row: null };
let loop = null; // the magnified loop that is here
let strip = null; // the frames that are here
let loopAsked = null;

const picture = (data, label, css) => {
  const figure = make("figure", css || "");
  const image = make("img");
  image.src = data.src;
  image.alt = data.alt || "";
  image.draggable = false;
  figure.append(image);
  if (label) figure.append(make("figcaption", "tag", label));
  return figure;
};
const labelled = (data) => `${data.name} · ${data.time}`;
const button = (text, action, pressed) => {
  const node = make("button", "tool", text);
  node.type = "button";
  if (pressed !== undefined) node.setAttribute("aria-pressed", String(pressed));
  node.addEventListener("click", action);
  return node;
};
const has = () => Boolean(props.value && props.value.onset);
const views = () => (has() ? ["flicker", "wipe", "map", "magnified", "frames"] : ["frames"]);

const showFlicker = () => {
  const pair = $(".pair");
  if (!pair) return;
  pair.classList.toggle("show-apex", state.apex);
  pair.querySelector(".tag").textContent = labelled(state.apex ? props.value.apex : props.value.onset);
};

/* Every view fills two squares of the same size, so that nothing jumps from view to view. */
/* The action units drawn over a picture, and the button that shows and hides them. */
const drawn = (box) => {
  if (!state.units || !props.value.units) return box;
  const image = make("img", "drawn");
  image.src = props.value.units;
  image.alt = "";
  image.draggable = false;
  box.append(image);
  return box;
};
const unitsButton = () =>
  props.value.units ? [button("Action units", () => { state.units = !state.units; draw(); }, state.units)] : [];
const wheel = () => {
  const legend = make("span", "wheel");
  for (const mode of ["light", "dark"]) {
    const image = make("img", `only-${mode}`);
    image.src = props.value.wheel[mode];
    image.alt = mode === "light" ? "Colour wheel: right is red, down yellow-green, left cyan, up purple." : "";
    legend.append(image);
  }
  return legend;
};
const mapWithWheel = () => {
  const figure = picture(props.value.map, "motion map", "picture map");
  figure.append(wheel());
  return figure;
};
const lookAt = (data) => {
  const small = make("button", "small");
  small.type = "button";
  small.setAttribute("aria-label", `Look at the ${data.name}`);
  small.append(picture(data, labelled(data)));
  small.addEventListener("click", () => { Object.assign(state, { view: "flicker", playing: false, apex: data === props.value.apex }); draw(); });
  return small;
};
const quad = (text) => {
  const box = make("div", "quad");
  box.append(lookAt(props.value.onset), lookAt(props.value.apex), wheel(), make("p", "subdued", text));
  return box;
};
const two = (main, first, second) => {
  const box = make("div", second ? "two" : "one");
  box.append(...(second ? [first, second] : [first]));
  main.append(box);
};

const drawers = {
  flicker(main, tools) {
    const pair = make("div", "pair picture");
    pair.append(picture(props.value.onset), picture(props.value.apex, null, "over"), make("span", "tag big", ""));
    two(main, drawn(pair), mapWithWheel());
    tools.append(
      button(state.playing ? "Pause" : "Play", () => { state.playing = !state.playing; draw(); }, state.playing),
      button("Onset", () => { state.playing = false; state.apex = false; draw(); }),
      button("Apex", () => { state.playing = false; state.apex = true; draw(); }),
      ...unitsButton()
    );
    showFlicker();
  },
  wipe(main, tools) {
    const pair = make("div", "pair picture wipe");
    const range = make("input", "wipe-range");
    Object.assign(range, { type: "range", min: 0, max: 100, value: 50 });
    range.setAttribute("aria-label", "Wipe between onset (left) and apex (right)");
    const place = () => pair.style.setProperty("--wipe", `${range.value}%`);
    range.addEventListener("input", place);
    place();
    pair.append(
      picture(props.value.onset), picture(props.value.apex, null, "over"), make("i", "wipe-bar"),
      make("span", "tag", labelled(props.value.onset)), make("span", "tag end", labelled(props.value.apex)), range
    );
    two(main, pair, mapWithWheel());
    tools.append(make("span", "subdued", "Drag across the face: onset at the left, apex at the right."));
  },
  map(main, tools) {
    const data = props.value.map;
    two(main, drawn(picture({ src: state.arrows ? data.arrows : data.src, alt: data.alt }, null, "picture")), quad(
      data.faint
        ? "Hue is direction. Brightness is relative to the largest motion in this picture, which here is little more than noise."
        : "Hue is direction. Brightness is relative to the largest motion in this picture."
    ));
    tools.append(button("Arrows", () => { state.arrows = !state.arrows; draw(); }, state.arrows), ...unitsButton());
  },
  magnified(main, tools) {
    const frame = make("figure", "picture");
    const image = make("img", "loop");
    frame.append(image);
    two(main, frame, picture(props.value.apex, `real ${labelled(props.value.apex)}`, "picture"));
    const alpha = state.alpha ?? props.value.alpha;
    const label = make("label", "alpha", "α ");
    const range = make("input");
    Object.assign(range, { type: "range", min: 1, max: props.value.alpha_max, step: 1, value: alpha });
    range.setAttribute("aria-label", "Amplification α");
    const number = make("output", "", `× ${alpha}`);
    range.addEventListener("input", () => { number.textContent = `× ${range.value}`; });
    range.addEventListener("change", () => { state.alpha = Number(range.value); wantLoop(); });
    label.append(range, number);
    tools.append(
      button(state.loopPlaying ? "Pause" : "Play", () => { state.loopPlaying = !state.loopPlaying; draw(); }, state.loopPlaying),
      label
    );
    if (loop && loop.message) {
      frame.replaceChildren(make("p", "said", loop.message));
    } else if (loop && loop.frames.length) {
      image.alt = loop.alt;
      showLoop();
    } else {
      frame.classList.add("waiting");
      image.alt = "";
      image.src = props.value.onset.src;
      wantLoop();
    }
  },
  frames(main, tools) {
    const aside = has() ? quad("Any frame can become the onset or the apex. Everything is measured anew from it.") : null;
    if (!strip) {
      two(main, make("div", "picture waiting"), aside);
      wantStrip(state.row ?? props.value.apex_row);
      return;
    }
    const at = strip.row - strip.first;
    const data = { src: strip.frames[at], alt: `Frame ${strip.row + 1} of ${strip.last + 1}, at ${strip.times[at]}` };
    two(main, picture(data, `frame ${strip.row + 1} of ${strip.last + 1} · ${strip.times[at]}`, "picture"), aside);
    const set = (which) => button(`Set as ${which}`, () => mark(which));
    const back = button("‹", () => step(-1));
    back.setAttribute("aria-label", "Previous frame");
    const on = button("›", () => step(1));
    on.setAttribute("aria-label", "Next frame");
    tools.append(back, on, set("onset"), set("apex"));
  },
};

const showLoop = () => {
  const image = $(".loop");
  if (image && loop && loop.frames && loop.frames.length) image.src = loop.frames[state.loopAt % loop.frames.length];
};
const wantLoop = () => {
  const alpha = state.alpha ?? props.value.alpha;
  const key = `${props.value.key}×${alpha}`;
  if (loopAsked === key) return;
  loopAsked = key;
  trigger("loop_wanted", { alpha });
};
const wantStrip = (row) => trigger("strip_wanted", { row });
const step = (by) => {
  if (!props.value) return;
  if (state.view !== "frames") { state.view = "frames"; if (!strip) { draw(); return; } }
  if (strip) {
    const row = Math.min(Math.max(strip.row + by, 0), strip.last);
    strip.row = row;
    state.row = row;
    const at = row - strip.first;
    if (at < 0 || at >= strip.frames.length) { strip = null; wantStrip(row); return; }
  }
  draw();
};
const mark = (which) => {
  if (state.view === "frames" && strip) trigger("marked", { which, ms: strip.times_ms[strip.row - strip.first] });
};

const draw = () => {
  const stage = $(".stage");
  stage.hidden = !props.value;
  if (!props.value) return;
  if (!views().includes(state.view)) state.view = views()[0];
  for (const tab of element.querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.view === state.view;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    tab.hidden = !views().includes(tab.dataset.view);
  }
  stage.dataset.view = state.view;
  const main = $(".stage-main");
  const tools = $(".stage-tools");
  const kept = tools.contains(document.activeElement) ? [...tools.children].indexOf(document.activeElement) : -1;
  main.replaceChildren();
  tools.replaceChildren();
  drawers[state.view](main, tools);
  if (kept >= 0 && tools.children[kept]) tools.children[kept].focus();
};

const renew = () => {
  loop = strip = loopAsked = null;
  Object.assign(state, { apex: false, row: null, loopAt: 0 });
  draw();
};
watch("value", renew);
watch("loop", () => { if (props.loop) { loop = props.loop; state.loopAt = 0; if (state.view === "magnified") draw(); } });
watch("strip", () => { if (props.strip) { strip = { ...props.strip }; state.row = strip.row; if (state.view === "frames") draw(); } });

for (const tab of element.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => { state.view = tab.dataset.view; draw(); });
  tab.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const open = views();
    state.view = open[(open.indexOf(state.view) + by + open.length) % open.length];
    draw();
    $(`[data-view=${state.view}]`).focus();
  });
}

const enlarge = (on) => {
  const stage = $(".stage");
  stage.classList.toggle("enlarged", on);
  document.documentElement.classList.toggle("mellm-enlarged", on);
  const label = on ? "Make small again" : "Enlarge";
  $(".enlarge").setAttribute("aria-label", label);
  $(".enlarge").title = label;
};
$(".enlarge").addEventListener("click", () => enlarge(!$(".stage").classList.contains("enlarged")));

const typing = (node) => Boolean(node && node.closest && node.closest("input, textarea, select, [contenteditable=true]"));
const inView = () => {
  const box = element.getBoundingClientRect();
  return element.isConnected && box.height > 0 && box.bottom > 80 && box.top < innerHeight - 80;
};
const onKey = (event) => {
  if (!element.isConnected) { document.removeEventListener("keydown", onKey); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || !props.value) return;
  if (event.key === "Escape" && $(".stage.enlarged")) { enlarge(false); return; }
  const inside = element.contains(event.target);
  if (typing(event.target) || !inView() || !(inside || event.target === document.body)) return;
  const onButton = Boolean(event.target.closest && event.target.closest("button, a, summary"));
  if (event.key === " " && !onButton && has()) {
    state.view = "flicker";
    if (calm.matches) { state.apex = !state.apex; state.playing = false; } else state.playing = !state.playing;
    draw();
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(event.key === "ArrowLeft" ? -1 : 1);
  else if (event.key === "o" || event.key === "O") mark("onset");
  else if (event.key === "a" || event.key === "A") mark("apex");
  else return;
  event.preventDefault();
};
document.addEventListener("keydown", onKey);

const flicker = setInterval(() => {
  if (!element.isConnected) { clearInterval(flicker); return; }
  if (state.view === "flicker" && state.playing && has() && !document.hidden) { state.apex = !state.apex; showFlicker(); }
}, FLICKER_MS);
const rolling = setInterval(() => {
  if (!element.isConnected) { clearInterval(rolling); return; }
  if (state.view === "magnified" && state.loopPlaying && loop && loop.frames && !document.hidden) {
    state.loopAt = (state.loopAt + 1) % loop.frames.length;
    showLoop();
  }
}, LOOP_MS);
renew();
