// An address checked by freshet: the form, the waiting, the report.
import {ROWS, keeping, plain, verdict, way, witness} from "./check_words.js";
import {showStale} from "./check_stale.js";
import {byId, element} from "./element.js";
import {post} from "./page.js";

const LOOK_EVERY_MS = 300;

let current = 0; // what a later press makes obsolete stops by this

function pause(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}

async function ask(answer) {
  const said = await answer.json().catch(() => ({error: "freshet refused: reload the page"}));
  if (said.error)
    throw new Error(said.error);
  return said;
}

/** Starts a probe and waits for its report. */
async function check(url, isObsolete, tell) {
  const {id} = await ask(await post("/check/start", {url}));
  const began = performance.now();
  while (!isObsolete()) {
    const said = await ask(await fetch(`/check/result?id=${id}`));
    if (!said.state)
      return said;
    const since = Math.floor((performance.now() - began) / 1000);
    tell(said.state === "waits" ? "Others are checked first …" : `Asking and comparing … ${since ? `${since} s` : ""}`);
    await pause(LOOK_EVERY_MS);
  }
  return null;
}

// -- the report

function comparison(place) {
  const left = plain(place), right = place.answers.find(answer => answer.asked === place.witness && answer.answered);
  const cell = (answer, key, show) => answer?.[key] === undefined ? "–" : String(show ? show(answer[key]) : answer[key]);
  const rows = ROWS.filter(([, key]) => left?.[key] !== undefined || right?.[key] !== undefined);
  return element("section", {}, element("h3", {}, "Side by side"),
    element("table", {id: "proof"},
      element("thead", {}, element("tr", {}, element("td"), element("th", {scope: "col"}, "As a browser asks"),
        right ? element("th", {scope: "col"}, witness(place)) : null)),
      element("tbody", {}, rows.map(([label, key, show]) =>
        element("tr", {className: right && place.differs?.includes(key) ? "differs" : ""},
          element("th", {scope: "row"}, label), element("td", {}, cell(left, key, show)),
          right ? element("td", {}, cell(right, key, show)) : null)))));
}

function allowed(place) {
  const layers = way(plain(place));
  const rows = [["On the way", layers.join(" → ")], ["A browser", keeping(place.caching.browser)],
    ["A shared cache", keeping(place.caching.shared)], ["Asked at", place.address]];
  return element("section", {}, element("h3", {}, "What may be done with it"),
    element("dl", {}, rows.filter(([, text]) => text).map(([name, text]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, text)))));
}

function notes(list) {
  if (!list.length)
    return null;
  return element("section", {className: "notes"}, element("h3", {}, "Remarks"),
    element("ul", {}, list.map(note => element("li", {"data-level": note.level},
      note.field ? element("strong", {}, `${note.field}: `) : null, note.text,
      note.where ? element("small", {}, ` ${note.where}`) : null))));
}

function showPlace(place) {
  const {word, text, tone} = verdict(place);
  const parts = [element("p", {className: "sentence", id: "verdict", "data-verdict": tone}, element("strong", {}, word), ": ", text)];
  if (plain(place))
    parts.push(comparison(place), allowed(place), notes(place.notes));
  return parts.filter(Boolean);
}

function show(report) {
  byId("report").replaceChildren(element("h2", {}, report.url), ...report.places.flatMap(showPlace));
  byId("report").hidden = false;
  byId("report").focus({preventScroll: true});
}

// -- the form

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

/** What is typed without a scheme is meant for http, where caches are. */
function completed(url) {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
}

async function start(event) {
  event.preventDefault();
  const number = ++current, url = completed(byId("url").value.trim());
  const tell = text => {
    byId("progress").textContent = text;
  };
  trouble("");
  byId("report").hidden = true;
  tell("Asking …");
  try {
    const report = await check(url, () => number !== current, tell);
    if (report)
      show(report);
  } catch (error) {
    if (number === current)
      trouble(error instanceof TypeError ? "freshet cannot be reached." : `Not checked: ${error.message}.`);
  }
  if (number === current)
    tell("");
}

/** The address's fragment is the address to check; it is filled in, and starts nothing by itself. */
function fillIn() {
  if (location.hash.length < 2)
    return;
  byId("url").value = location.hash.slice(1);
  byId("go").focus();
}

byId("form").addEventListener("submit", start);
addEventListener("hashchange", fillIn);
fillIn();
showStale();
