// What samples beside the traffic found stale.
import {MEASURED} from "./check_words.js";
import {byId, element} from "./element.js";
import {called} from "./sentence.js";
import {seconds} from "./words.js";

const LOOK_EVERY_MS = 5000;

function howOld(found) {
  if (found.by_s !== undefined && MEASURED[found.measure])
    return MEASURED[found.measure](seconds(found.by_s));
  return found.age_s === undefined ? "not known" : `stored ${seconds(found.age_s)} ago`;
}

function when(found) {
  const ago = Math.max(0, Math.round(Date.now() / 1000 - found.last_s)), lasted = found.last_s - found.first_s;
  const since = found.count > 1 ? `, ${found.count} times in ${seconds(lasted)}` : "";
  return `${ago < 5 ? "just now" : `${seconds(ago)} ago`}${since}`;
}

function row(found) {
  const link = element("a", {href: `#${found.url}`}, found.url);
  return element("tr", {}, element("td", {}, link), element("td", {}, found.layer ? called(found.layer) : "a cache that does not say so"),
    element("td", {}, howOld(found)), element("td", {}, when(found)));
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
