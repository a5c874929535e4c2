// What samples beside the traffic found stale.
import {MEASURED} from "./check_words.js";
import {byId, element} from "./element.js";
import {called} from "./sentence.js";
import {seconds} from "./words.js";

const LOOK_EVERY_MS = 5000;

/** The copy's age, by the cache's own words. */
function age(found) {
  return found.age_s === undefined ? "not told" : seconds(found.age_s);
}

/** How far the copy lags behind; an age alone does not tell. */
function lag(found) {
  const isKnown = found.by_s !== undefined && found.measure !== "Age" && MEASURED[found.measure];
  return isKnown ? MEASURED[found.measure](seconds(found.by_s)) : "not known";
}

function when(found) {
  const ago = Math.max(0, Math.round(Date.now() / 1000 - found.last_s)), lasted = found.last_s - found.first_s;
  const since = found.count > 1 ? `, ${found.count} times in ${seconds(lasted)}` : "";
  return `${ago < 5 ? "just now" : `${seconds(ago)} ago`}${since}`;
}

/** A cell that says by itself what it is, for where there is no room for a row of heads. */
function cell(label, ...content) {
  return element("td", {"data-label": label}, ...content);
}

function row(found) {
  return element("tr", {}, cell("Address", element("a", {href: `#${found.url}`}, found.url)),
    cell("From", found.layer ? called(found.layer) : "a cache that does not say so"), cell("Age", age(found)),
    cell("Stale by", lag(found)), cell("Last seen", when(found)));
}

/** Shows what was found until now, and goes on. */
export async function showStale() {
  const answer = await fetch("/check/stale").catch(() => null);
  const found = answer?.ok ? await answer.json() : [];
  byId("stale-none").hidden = found.length > 0;
  byId("stale-urls").hidden = !found.length;
  byId("stale-urls").tBodies[0].replaceChildren(...found.map(row));
  setTimeout(showStale, LOOK_EVERY_MS);
}
