// What a probe found, in the words of people.
import {called, capital} from "./sentence.js";
import {layer, seconds, size} from "./words.js";

export const MEASURED = {
  "Last-Modified": by => `${by} older than what the server has`,
  "Date": by => `made ${by} before the server’s answer`,
  "Age": by => `stored ${by} ago`,
  "lifetime": by => `${by} beyond its lifetime`,
};

const WITNESSES = {
  "changed": "with a parameter added, twice",
  "changed-again": "with a parameter added, twice",
  "path": "path written differently, twice",
  "path-again": "path written differently, twice",
  "triple": "with no-cache, no-store",
};

const STORING = {
  "no-store": "may not keep it (no-store, RFC 9111 5.2.2.5)",
  "private": "may not keep it (private, RFC 9111 5.2.2.7)",
  "authorized": "may not keep it (Authorization, RFC 9111 3.5)",
  "partial": "may not keep it (a part, RFC 9111 3.3)",
  "status": "may not keep it (nothing allows it, RFC 9111 3)",
};

const SOURCES = {
  "s-maxage": "s-maxage, RFC 9111 5.2.2.10",
  "max-age": "max-age, RFC 9111 5.2.2.1",
  "Expires": "Expires, RFC 9111 5.3",
  "heuristic": "by guess, RFC 9111 4.2.2",
};

export function plain(place) {
  return place.answers.find(answer => answer.asked === "plain" && answer.answered);
}

function stale(place) {
  const who = place.layer ? capital(called(place.layer)) : "A cache that does not say so";
  const by = place.by_s !== undefined && MEASURED[place.by] ? `, ${MEASURED[place.by](seconds(place.by_s))}` : "";
  const triple = place.triple_reaches ? "Asking with no-cache brings the server’s answer, and so does freshet." :
    "Asking with no-cache does not help: only a changed address gets past it.";
  return `${who} answered with an old copy${by}. ${triple}`;
}

function fresh(place) {
  const said = plain(place)?.caches ?? "";
  if (!/^(from-cache|stale)/.test(said))
    return "What came is what the server says.";
  return `${capital(called(place.layer ?? ""))} answered with a copy, and the server still says the same.`;
}

/** The verdict for somebody who never heard of HTTP, and the colour it gets. */
export function verdict(place) {
  switch (place.verdict) {
  case "stale":
    return {word: "stale", text: stale(place), tone: "stale"};
  case "fresh":
    return {word: "fresh", text: fresh(place), tone: "fresh"};
  case "failed":
    return {word: "no answer", text: `${place.reason}.`, tone: "stale"};
  case "dynamic":
    return {word: "dynamic", text: `${place.reason}.`, tone: place.perhaps_stored ? "from-cache" : "revalidated"};
  default:
    return {word: place.verdict.replaceAll("-", " "), text: `${place.reason}.`, tone: "from-cache"};
  }
}

export function witness(place) {
  return WITNESSES[place.witness] ?? "";
}

/** Rows of the comparison: [label, key in the answers, how it is shown]. */
export const ROWS = [
  ["Status", "status"], ["Location", "location"], ["ETag", "etag"], ["Last-Modified", "last_modified"], ["Date", "date"],
  ["Content-Type", "content_type"],
  ["Content-Encoding", "content_encoding"], ["Length", "length", size], ["SHA-256", "sha256", hash => `${hash.slice(0, 16)}…`],
  ["Caches say", "caches"],
];

export function way(answer) {
  return (answer?.layers ?? []).map(text => {
    const {name, outcome, age_s} = layer(text);
    return [called(name), outcome, age_s === null ? "" : seconds(age_s)].filter(Boolean).join(", ");
  });
}

/** What somebody may do with the answer. */
export function keeping(k) {
  if (!k.may_store)
    return STORING[k.because] ?? `may not keep it (${k.because})`;
  if (k.asks_always)
    return "may keep it, and asks before each use";
  const more = [k.never_longer ? "never longer" : "",
    k.stale_while_revalidate_s > 0 ? `${seconds(k.stale_while_revalidate_s)} more while asking` : "",
    k.stale_if_error_s > 0 ? `${seconds(k.stale_if_error_s)} more on errors` : ""].filter(Boolean);
  return [`may keep it; good for ${seconds(k.lifetime_s)} (${SOURCES[k.lifetime_from] ?? "none is given"})`, ...more].join(", ");
}
