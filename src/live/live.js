// The live page: what freshet does, as it happens.  Here its parts are put together.
import {byId} from "./element.js";
import {Detail} from "./detail.js";
import {exportLink} from "./export.js";
import {Filter} from "./filter.js";
import {Rows} from "./rows.js";
import {about, post} from "./page.js";
import {Stream, fetchExchange} from "./stream.js";
import {read, readRunning} from "./words.js";

const STATES = {live: "live", wait: "reconnecting", refused: "refused: reload the page", paused: "paused"};
const WAITING_MAX = 20000;

let paused = false;
let connection = "wait";
let waiting = []; // came while paused
let running = []; // what has not ended, as it was told last
let lost = 0;
let process = null; // when the freshet that they are of was started
let openedByKey = false; // the exchange that is about to be shown
let partial = null; // the id of the exchange whose detail is open, while its whole story cannot be had

const filter = new Filter(() => rows.refilter());
const rows = new Rows(filter, exchange => {
  location.hash = exchange.id;
}, tellCount);
const detail = new Detail(() => {
  if (location.hash)
    history.pushState(null, "", location.pathname);
  rows.box.focus({preventScroll: true});
}, exchange => rows.before(exchange));

function tellState() {
  const state = connection === "live" && paused ? "paused" : connection;
  byId("state").textContent = STATES[state];
  byId("state").dataset.state = state;
}

/** Together with the rows that it counts. */
function tellCount(shown, all) {
  const parts = [`${shown} of ${all}`];
  if (waiting.length)
    parts.push(`${waiting.length} waiting`);
  if (lost)
    parts.push(`${lost} missed`);
  const text = parts.join(" · ");
  if (byId("count").textContent !== text) // scrolling draws, too
    byId("count").textContent = text;
}

function arrived(news, missed) {
  const exchanges = news.map(read);
  lost += missed;
  if (paused)
    waiting = waiting.concat(exchanges).slice(-WAITING_MAX);
  else
    rows.add(exchanges);
  rows.drawSoon();
  const opened = location.hash.slice(1);
  if (!exchanges.some(exchange => exchange.id === opened))
    return;
  rows.mark(opened);
  if (opened === partial)
    show();
}

function runningArrived(news) {
  running = news.map(readRunning);
  if (!paused)
    rows.setRunning(running);
  const shown = running.find(exchange => exchange.id === partial);
  if (shown)
    detail.drawRunning(shown);
}

new Stream({
  state(name) {
    connection = name;
    tellState();
  },
  hello(hello) {
    if (process !== null && process !== hello.started_us)
      clear(); // another one counts its exchanges from the beginning, too
    process = hello.started_us;
    runningArrived([]);
    byId("empty").dataset.off = hello.records === 0;
    if (!hello.records)
      byId("empty").replaceChildren("freshet remembers no exchanges: the option records is 0.");
  },
  rows: arrived,
  running: runningArrived,
});

// -- what can be done

function pause() {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", paused);
  byId("pause").textContent = paused ? "Go on" : "Pause";
  if (!paused) {
    rows.add(waiting);
    rows.setRunning(running);
    waiting = [];
  }
  tellState();
}

function clear() {
  waiting = [];
  lost = 0;
  rows.clear();
}

async function forgetAll() {
  if ((await post("/live/forget")).ok)
    clear();
}

byId("pause").addEventListener("click", pause);
byId("clear").addEventListener("click", clear);
byId("forget").addEventListener("click", forgetAll);

function shownIds() {
  return filter.isOn() ? new Set(rows.shown.map(exchange => exchange.id)) : null;
}

exportLink(byId("export-har"), "har", shownIds);
exportLink(byId("export-jsonl"), "jsonl", shownIds);

// -- one exchange, by the address's fragment

async function show(secrets = false) {
  const id = location.hash.slice(1);
  partial = null;
  if (!id) {
    if (!byId("detail").hidden)
      detail.close();
    return;
  }
  const [story, {here}] = await Promise.all([fetchExchange(id, secrets), about()]);
  if (id !== location.hash.slice(1))
    return;
  rows.mark(id);
  partial = story ? null : id;
  const soFar = running.find(exchange => exchange.id === id);
  if (story)
    detail.draw(story, here, show);
  else if (soFar)
    detail.drawRunning(soFar);
  else
    detail.gone(id);
  takeFocus();
}

/** Who opened it by the keyboard reads on in it; so does everybody where it has taken the place of the list. */
function takeFocus() {
  const box = byId("detail");
  if ((openedByKey || byId("list").offsetParent === null) && !box.contains(document.activeElement))
    box.focus({preventScroll: true});
  openedByKey = false;
}

addEventListener("hashchange", () => show());
show();

// -- keys

const KEYS = {
  j: () => rows.move(1),
  k: () => rows.move(-1),
  ArrowDown: () => rows.move(1),
  ArrowUp: () => rows.move(-1),
  Home: () => rows.choose(0, false),
  End: () => rows.choose(rows.shown.length - 1, false),
  Enter: () => {
    const before = location.hash;
    openedByKey = true;
    rows.open();
    if (location.hash === before)
      takeFocus(); // it is open already
  },
  p: pause,
  c: clear,
  "/": () => byId("filter-text").focus(),
};

function goBack() {
  if (!byId("detail").hidden)
    detail.close();
  else {
    filter.reset();
    rows.refilter();
    rows.box.focus({preventScroll: true});
  }
}

function inField(target) {
  return target.matches("input, select, textarea");
}

addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey)
    return;
  if (event.key === "Escape") {
    goBack();
    return;
  }
  if (inField(event.target) || !Object.hasOwn(KEYS, event.key))
    return;
  if (event.key === "Enter" && event.target.matches("button, a, summary"))
    return;
  if (event.key.length > 1 && event.key !== "Enter" && byId("detail").contains(event.target))
    return; // scrolls there
  event.preventDefault();
  KEYS[event.key]();
});

tellState();
