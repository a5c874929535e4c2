// Pictures of an exchange: the caches on the way, its age beside its lifetime, where the time went.
import {element} from "./element.js";
import {called, passedBy, wasAskedToBeFresh} from "./sentence.js";
import {layer, milliseconds, seconds} from "./words.js";

const OUTCOMES = {
  hit: "answered from its store", stale: "answered from its store, beyond the lifetime", revalidated: "asked whether its copy is still good",
  miss: "had none and asked on", pass: "does not store this", unknown: "said something unclear",
};

/** The way from the program to the origin, one box for each who had a hand in it. */
export function chain(exchange) {
  const layers = (exchange.facts["freshet.layers"] ?? []).map(layer);
  const origin = exchange.facts["freshet.origin.address"];
  const passed = exchange.facts["freshet.stored_copy_layer"];
  const stored = layers.findIndex(l => l.outcome === "hit" || l.outcome === "stale");
  if (stored >= 0 && exchange.verdict === "stale")
    layers[stored].outcome = "stale"; // few caches say so themselves
  const boxes = [
    box("program", "your program", exchange.facts["client.address"]),
    box("freshet", "freshet", wasAskedToBeFresh(exchange.facts) ? "asked for a fresh copy" : exchange.facts["freshet.mode"]),
    ...layers.map((l, n) => cacheBox(l, stored >= 0 && n > stored, l.name && passed?.startsWith(l.name) ? passedBy(exchange) : "")),
    box(stored >= 0 ? "origin unasked" : "origin", "origin",
      stored >= 0 ? "not asked" : layers.length ? "asked" : origin ?? "not reached"),
  ];
  return element("ol", {className: "chain", "aria-label": "Who had a hand in it, from your program to the origin"}, boxes);
}

function box(kind, name, text) {
  return element("li", {className: kind}, element("strong", {}, name), element("span", {}, text ?? ""));
}

/** `copy`: what it had, when it was asked as the program asked. */
function cacheBox(l, behind, copy) {
  const text = OUTCOMES[l.outcome] ?? l.outcome;
  return element("li", {className: `cache ${behind ? "unasked" : ""}`, "data-outcome": l.outcome},
    element("strong", {}, called(l.name)),
    element("span", {}, behind ? `when it was stored: ${text}` : text),
    l.age_s === null ? null : element("span", {className: "age"}, `${seconds(l.age_s)} old`),
    copy ? element("span", {className: "age"}, `passed by: ${copy}`) : null,
    l.certain ? null : element("span", {className: "doubt"}, "so far as one can tell"));
}

function percent(part, whole) {
  return `${whole > 0 ? Math.min(100, 100 * part / whole) : 0}%`;
}

/** Age against lifetime, for one kind of cache. */
export function lifetime(name, keeping) {
  const whole = Math.max(keeping.age_s, keeping.lifetime_s, 1);
  const bar = element("div", {className: "bar", role: "img", "aria-label": lifetimeText(keeping)},
    element("div", {className: "lifetime"}), element("div", {className: "age"}));
  bar.firstChild.style.width = percent(keeping.lifetime_s, whole);
  bar.lastChild.style.left = percent(keeping.age_s, whole);
  bar.dataset.stale = keeping.age_s >= keeping.lifetime_s;
  return element("div", {className: "keeping"}, element("h4", {}, name), bar,
    element("p", {}, lifetimeText(keeping)));
}

function lifetimeText(k) {
  if (!k.may_store)
    return `May not store it (${k.storing}).`;
  const age = `${seconds(k.age_s)} old`;
  if (k.asks_always)
    return `May store it, but has to ask before each use; ${age}.`;
  if (!k.lifetime_s)
    return `May store it; without a lifetime it has to ask; ${age}.`;
  const from = k.source ? ` (${k.source})` : "";
  return `May keep it for ${seconds(k.lifetime_s)}${from}; ${age}` +
    (k.age_s >= k.lifetime_s ? `, ${seconds(k.age_s - k.lifetime_s)} too old.` : `, ${seconds(k.lifetime_s - k.age_s)} left.`);
}

/** Where the time went: waiting for a place, connecting, waiting for the first byte, the rest. */
export function waterfall(exchange) {
  const f = exchange.facts, total = exchange.duration_us;
  const queue = Math.max(0, f["freshet.time.queue_us"] ?? 0), connect = Math.max(0, f["freshet.time.connect_us"] ?? 0);
  const firstByte = f["freshet.time.first_byte_us"];
  const spans = [["queue", "in line", 0, queue], ["connect", "connecting", queue, connect]];
  if (firstByte !== undefined && firstByte >= 0) {
    const asked = Math.min(queue + connect, firstByte);
    spans.push(["wait", "waiting", asked, firstByte - asked]);
    spans.push(["body", "receiving", firstByte, Math.max(0, total - firstByte)]);
  }
  return element("dl", {className: "waterfall"}, spans.filter(span => span[3] > 0).map(span => timeRow(span, total)));
}

function timeRow([kind, name, from, length], total) {
  const bar = element("div", {className: kind});
  bar.style.left = percent(from, total);
  bar.style.width = percent(length, total);
  return element("div", {}, element("dt", {}, name), element("dd", {className: "track"}, bar),
    element("dd", {className: "number"}, milliseconds(length)));
}
