// Switches: settings changed for a while, and what is forgotten.  What is in force is asked for again and again, for others
// switch too, and time runs out.
import {byId, element} from "./element.js";
import {post} from "./page.js";
import {seconds} from "./words.js";

const ASK_EVERY_MS = 5000;

const MEANINGS = {
  mode: {
    off: "Everything passes as it is.",
    observe: "Everything passes as it is, but what caches did is told.",
    revalidate: "Caches must ask the origin; a cheap “not modified” is welcome.",
    bust: "Nothing stored is used, and nothing is kept.",
  },
  pierce: {
    never: "Requests keep the address they were made for, whatever caches answer.",
    auto: "Where a cache answers all the same, the request is written differently and made again.",
    always: "Requests are written differently from the first one on, for caches that do not show themselves.",
  },
  intercept: {
    no: "What goes through over https is not read.",
    yes: "What goes through over https is read, from the next connection on, where nothing would break by it. " +
      "Programs have to trust freshet’s certificate authority.",
    strict: "What goes through over https is read, from the next connection on, or fails.",
  },
};

const FLUSHES = {
  dns: ["Addresses", "names are looked up anew"],
  pools: ["Connections", "those to origins that nobody uses are closed, the others after their exchange"],
  learned: ["Unread hosts", "which hosts are passed through unread, and which programs refused freshet’s certificate"],
  pierced: ["Pierced hosts", "what gets past the caches of which host"],
  history: ["Exchanges", "those that the list of exchanges shows"],
  all: ["All of it", ""],
};

const SOURCES = {switch: "switched for", site: "by the site section", configuration: "by the configuration"};

let values = {}; // the settings, and the values of each
let asked_ms = 0;
const shown = {}; // by the part of the page, what it shows: what stays the same keeps its focus and is not read out again

function tell(text, good) {
  byId("said").hidden = false;
  byId("said").dataset.good = good ? "yes" : "no";
  byId("said").textContent = text;
}

/** Whether a part of the page is to be made anew. */
function differs(part, content) {
  const text = JSON.stringify(content);
  const differing = shown[part] !== text;
  shown[part] = text;
  return differing;
}

/** Has something done, and tells what came of it. */
async function act(path, parameters) {
  try {
    const answer = await post(path, parameters);
    const {done, error} = await answer.json();
    tell(done ? `Done. ${done}.` : `Not done: ${error}.`, Boolean(done));
  } catch {
    tell("Not done: freshet cannot be reached, or this page is older than it: reload the page.", false);
  }
  await refresh();
}

/* -- what is in force */

function left(item) {
  if (item.left_ms === undefined)
    return "until taken back";
  return seconds(Math.max(0, Math.ceil((item.left_ms - (performance.now() - asked_ms)) / 1000)));
}

function undo(item) {
  return element("button", {
    type: "button", onclick: () => act("/switches/undo", {site: item.site, setting: item.setting}),
    "aria-label": `Take back ${item.setting} for ${item.site}`,
  }, "Take back");
}

function inForceRow(item) {
  return element("tr", {}, element("td", {}, item.site), element("td", {}, `${item.setting} = ${item.value}`),
    element("td", {className: "left", item}, left(item)), element("td", {}, undo(item)));
}

function showInForce(switches) {
  if (!differs("in force", switches.map(({left_ms, ...rest}) => [rest, left_ms === undefined]))) {
    document.querySelectorAll(".left").forEach((cell, i) => { cell.item = switches[i]; });
    return;
  }
  byId("in-force").hidden = !switches.length;
  byId("none").hidden = switches.length > 0;
  byId("in-force").tBodies[0].replaceChildren(...switches.map(inForceRow));
}

/* -- the configuration */

function settingsRow(name, site) {
  const limited = site.limited ? element("span", {className: "limited"}, " for some methods or clients") : null;
  return element("tr", {}, element("td", {}, name, limited),
    Object.keys(values).map(setting => element("td", {}, site[setting])));
}

function showConfiguration(state) {
  if (!differs("configuration", [state.sites, state.configuration]))
    return;
  byId("configuration").tBodies[0].replaceChildren(...state.sites.map(site => settingsRow(site.site, site)),
    settingsRow("all others", state.configuration));
  byId("left-out").hidden = !state.sites_left_out;
  byId("left-out").textContent = `${state.sites_left_out} more are not shown.`;
  byId("sites").replaceChildren(...["*", ...state.sites.map(site => site.site)].map(value => element("option", {value})));
}

/* -- the form */

function options(box, words, chosen) {
  box.replaceChildren(...words.map(word => element("option", {value: word, selected: word === chosen}, word)));
}

function showMeaning() {
  byId("meaning").textContent = MEANINGS[byId("setting").value]?.[byId("value").value] ?? "";
}

function showValues() {
  options(byId("value"), values[byId("setting").value] ?? []);
  showMeaning();
}

function fillForm(state) {
  if (Object.keys(values).length)
    return;
  values = state.values;
  options(byId("setting"), Object.keys(values));
  showValues();
}

/* -- what applies to a host */

function showApplying(told) {
  if (!differs("applies", told))
    return;
  if (told.error) {
    byId("applies").replaceChildren(element("div", {}, element("dt", {}, "No such host"), element("dd", {}, told.error)));
    return;
  }
  byId("applies").replaceChildren(...Object.entries(told).map(([setting, {value, by, site}]) =>
    element("div", {}, element("dt", {}, setting),
      element("dd", {}, `${value} `, element("small", {}, `${SOURCES[by]}${site ? ` ${site}` : ""}`)))));
}

async function look() {
  const url = byId("url").value.trim();
  if (!url) {
    showApplying({});
    return;
  }
  const answer = await fetch(`/switches/applies?${new URLSearchParams({url})}`);
  showApplying(await answer.json());
}

/* -- put together */

async function refresh() {
  try {
    const state = await (await fetch("/switches/state")).json();
    asked_ms = performance.now();
    fillForm(state);
    showInForce(state.switches);
    showConfiguration(state);
    await look();
  } catch {
    tell("freshet cannot be reached.", false);
  }
}

/** "/switches#www.example.com:8080": for that host. */
function takeHash() {
  let host = "";
  try {
    host = decodeURIComponent(location.hash.slice(1));
  } catch {
    return; // no host is written like this
  }
  if (host)
    byId("site").value = byId("url").value = host;
}

function showFlushes() {
  byId("flush").append(...Object.entries(FLUSHES).map(([what, [name, meaning]]) =>
    element("div", {}, element("dt", {}, element("button", {type: "button", onclick: () => act("/switches/flush", {what})}, name)),
      element("dd", {className: "note"}, meaning))));
}

function tick() {
  for (const cell of document.querySelectorAll(".left"))
    cell.textContent = left(cell.item);
  const over = [...document.querySelectorAll(".left")].some(cell => cell.item.left_ms <= performance.now() - asked_ms);
  if (!document.hidden && (over || performance.now() - asked_ms > ASK_EVERY_MS))
    refresh();
}

byId("set").addEventListener("submit", event => {
  event.preventDefault();
  act("/switches/set", {
    site: byId("site").value, setting: byId("setting").value, value: byId("value").value, for: byId("for").value,
  });
});
byId("look").addEventListener("submit", event => {
  event.preventDefault();
  look();
});
byId("setting").addEventListener("change", showValues);
byId("value").addEventListener("change", showMeaning);
addEventListener("hashchange", () => {
  takeHash();
  look();
});
showFlushes();
takeHash();
refresh();
setInterval(tick, 1000);
