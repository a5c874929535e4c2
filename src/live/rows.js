// The list: thousands of exchanges, of which only those in view are elements.
import {byId, element} from "./element.js";
import {clock, milliseconds, size} from "./words.js";

const KEEP_MAX = 20000;
const MARGIN_ROWS = 8;

/** The verdict, or what there is in its place. */
function label(exchange) {
  if (exchange.facts["freshet.tunnel"])
    return exchange.running ? "open" : "tunnel";
  return exchange.verdict === "none" ? "" : exchange.verdict;
}

export class Rows {
  /** `drawn` is told how many are shown, and of how many, whenever they are. */
  constructor(filter, chosen, drawn) {
    this.filter = filter;
    this.chosen = chosen;
    this.drawn = drawn;
    this.all = [];
    this.shown = [];
    this.byId = new Map();
    this.current = -1;
    this.pool = [];
    this.isDue = false; // to be drawn in the next frame
    this.box = byId("rows");
    this.spacer = byId("spacer");
    this.box.addEventListener("scroll", () => this.draw(), {passive: true});
    this.box.addEventListener("click", event => this.clicked(event));
    new ResizeObserver(() => this.measure()).observe(this.box);
    this.measure();
  }

  measure() {
    this.height = parseFloat(getComputedStyle(this.box).getPropertyValue("--row")) || 32;
    this.draw();
  }

  /** Whether the end is in view. */
  atEnd() {
    return this.box.scrollTop + this.box.clientHeight >= this.box.scrollHeight - this.height;
  }

  /** Makes room for all rows.  An end that was in view stays in view, whoever comes to draw first: news or a scroll event. */
  stretch() {
    const height = `${this.shown.length * this.height}px`;
    if (this.spacer.style.height === height)
      return;
    const follow = this.atEnd();
    this.spacer.style.height = height;
    if (follow)
      this.box.scrollTop = this.box.scrollHeight;
  }

  /** One that was there as running is replaced by what became of it. */
  add(exchanges) {
    this.change(() => {
      this.drop(exchanges.map(exchange => this.byId.get(exchange.id)).filter(known => known?.running));
      this.insert(exchanges);
    });
  }

  /** All that runs, in the place of what ran before; who has ended meanwhile stays so. */
  setRunning(exchanges) {
    this.change(() => {
      this.drop(this.all.filter(exchange => exchange.running));
      this.insert(exchanges);
    });
  }

  /** The chosen one stays chosen. */
  change(action) {
    const chosen = this.shown[this.current]?.id;
    action();
    this.order();
    this.trim();
    this.current = chosen === undefined ? -1 : this.shown.findIndex(exchange => exchange.id === chosen);
    this.drawSoon();
  }

  /** Once for all that changes until the next frame, for news come many at a time. */
  drawSoon() {
    if (this.isDue)
      return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  insert(exchanges) {
    for (const exchange of exchanges) {
      if (this.byId.has(exchange.id))
        continue;
      this.byId.set(exchange.id, exchange);
      this.all.push(exchange);
      this.filter.learn(exchange);
      if (this.filter.shows(exchange))
        this.shown.push(exchange);
    }
  }

  /** The latest exchange before this one with the same request and a digest, which tells whether the content was the same. */
  before(exchange) {
    return this.all.findLast(other => other.ended_us < exchange.ended_us && other.digest &&
      other.url === exchange.url && other.method === exchange.method);
  }

  drop(exchanges) {
    if (!exchanges.length)
      return;
    const gone = new Set(exchanges);
    for (const exchange of gone)
      this.byId.delete(exchange.id);
    this.all = this.all.filter(exchange => !gone.has(exchange));
    this.shown = this.shown.filter(exchange => !gone.has(exchange));
  }

  /** By when they ended, for workers tell theirs in turns; behind them what runs, by when it began. */
  order() {
    for (const list of [this.all, this.shown])
      list.sort((a, b) => a.ended_us === b.ended_us ? a.started - b.started : a.ended_us - b.ended_us);
  }

  trim() {
    this.drop(this.all.slice(0, Math.max(0, this.all.length - KEEP_MAX)));
  }

  refilter() {
    const chosen = this.shown[this.current];
    this.shown = this.all.filter(exchange => this.filter.shows(exchange));
    this.current = this.shown.indexOf(chosen);
    this.draw();
    this.box.scrollTop = this.box.scrollHeight;
  }

  clear() {
    this.all = [];
    this.shown = [];
    this.byId.clear();
    this.current = -1;
    this.draw();
  }

  clicked(event) {
    const row = event.target.closest("[role=option]");
    if (row)
      this.choose(Number(row.dataset.index));
  }

  /** Makes a row the current one, in view, and tells. */
  choose(index, tell = true) {
    if (!this.shown.length)
      return;
    this.current = Math.max(0, Math.min(index, this.shown.length - 1));
    const top = this.current * this.height;
    if (top < this.box.scrollTop)
      this.box.scrollTop = top;
    else if (top + this.height > this.box.scrollTop + this.box.clientHeight)
      this.box.scrollTop = top + this.height - this.box.clientHeight;
    this.draw();
    if (tell)
      this.chosen(this.shown[this.current]);
  }

  /** The exchange of that id becomes the current one, if it is shown. */
  mark(id) {
    const index = this.shown.indexOf(this.byId.get(id));
    if (index >= 0 && index !== this.current)
      this.choose(index, false);
  }

  move(by) {
    this.choose(this.current < 0 ? (by > 0 ? 0 : this.shown.length - 1) : this.current + by, false);
  }

  open() {
    if (this.current >= 0)
      this.chosen(this.shown[this.current]);
  }

  draw() {
    this.stretch();
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.height) - MARGIN_ROWS);
    const count = Math.ceil(this.box.clientHeight / this.height) + 2 * MARGIN_ROWS;
    const last = Math.min(this.shown.length, first + count);
    while (this.pool.length < last - first)
      this.pool.push(this.makeRow());
    this.pool.forEach((row, n) => this.fill(row, first + n < last ? first + n : -1));
    byId("empty").hidden = this.all.length > 0;
    if (this.current >= first && this.current < last)
      this.box.setAttribute("aria-activedescendant", `row-${this.current - first}`);
    else
      this.box.removeAttribute("aria-activedescendant");
    this.drawn(this.shown.length, this.all.length);
  }

  makeRow() {
    const cell = name => element("span", {className: name});
    const row = element("div", {role: "option", id: `row-${this.pool.length}`, className: "row"},
      cell("time"), cell("method"), cell("status"), cell("verdict"),
      element("span", {className: "url"}, cell("host"), cell("path")), cell("type"), cell("size"), cell("duration"));
    this.spacer.append(row);
    return row;
  }

  fill(row, index) {
    row.hidden = index < 0;
    if (index < 0)
      return;
    const exchange = this.shown[index];
    row.style.transform = `translateY(${index * this.height}px)`;
    row.dataset.index = index;
    row.dataset.verdict = exchange.verdict;
    row.dataset.status = exchange.running && !exchange.status ? "" : String(exchange.status)[0];
    row.setAttribute("aria-selected", index === this.current);
    row.setAttribute("aria-setsize", this.shown.length);
    row.setAttribute("aria-posinset", index + 1);
    if (row.exchange === exchange)
      return;
    row.exchange = exchange;
    const [time, method, status, verdict, url, type, bytes, duration] = row.children;
    time.textContent = clock(exchange.started);
    method.textContent = exchange.method;
    status.textContent = exchange.status || "—";
    verdict.textContent = label(exchange);
    url.firstChild.textContent = exchange.host;
    url.lastChild.textContent = exchange.path;
    url.title = exchange.url;
    type.textContent = exchange.type;
    bytes.textContent = size(exchange.bytes);
    duration.textContent = milliseconds(exchange.duration_us);
  }
}
