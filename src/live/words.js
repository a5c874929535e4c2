// What an exchange is called in the words of people: parts of its address, sizes, durations, the verdict as a sentence.

/** The same for one that has not ended: what is known so far, and no verdict. */
export function readRunning(row) {
  return {...read(row), running: true, ended_us: Infinity, verdict: "running", verdictText: ""};
}

/** The exchange as the list and the detail need it, from what the server sends. */
export function read(row) {
  const facts = row.facts;
  const url = facts["url.original"] ?? "";
  const verdict = facts["freshet.verdict"] ?? "";
  return {
    id: row.id,
    facts,
    url,
    type: row.type,
    method: facts["http.request.method"] ?? "",
    status: facts["http.response.status_code"] ?? 0,
    started: new Date(facts["@timestamp"]),
    ended_us: row.ended_us,
    bytes: facts["http.response.body.bytes"] ?? 0,
    digest: facts["freshet.body.sha256"] ?? "",
    duration_us: (facts["event.duration"] ?? 0) / 1000,
    verdict: verdict.split("(")[0] || "none",
    verdictText: verdict,
    ...splitUrl(url),
    kind: kindOf(row.type),
    search: `${facts["http.request.method"]} ${url}`.toLowerCase(),
  };
}

function splitUrl(url) {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)(.*)$/is.exec(url);
  return {scheme: match[1] ?? "", host: match[2], path: match[3] || (match[1] ? "/" : "")};
}

const KINDS = [
  ["html", /html/], ["css", /css/], ["script", /javascript|ecmascript|wasm/], ["json", /json|xml|csv|event-stream|protobuf/],
  ["image", /^image\//], ["font", /font/], ["media", /^(audio|video)\//],
];

function kindOf(type) {
  return KINDS.find(([, pattern]) => pattern.test(type ?? ""))?.[0] ?? "other";
}

export function size(bytes) {
  if (bytes < 1000)
    return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000, unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function milliseconds(us) {
  if (us < 1000)
    return `${us < 100 ? (us / 1000).toFixed(2) : (us / 1000).toFixed(1)} ms`;
  if (us < 10e6)
    return `${us < 100e3 ? (us / 1000).toFixed(1) : Math.round(us / 1000)} ms`;
  return seconds(Math.round(us / 1e6));
}

/** "3 min 5 s": the two largest units. */
export function seconds(s) {
  const units = [["year", 31536000], ["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const parts = [];
  for (const [name, length] of units) {
    const count = Math.floor(s / length);
    if (!count && !(name === "s" && !parts.length) && !parts.length)
      continue;
    if (count || !parts.length)
      parts.push(name === "year" ? `${count} year${count > 1 ? "s" : ""}` : `${count} ${name}`);
    s -= count * length;
    if (parts.length === 2 || !s)
      break;
  }
  return parts.join(" ");
}

export function clock(date) {
  return date.toLocaleTimeString([], {hour12: false}) + "." + String(date.getMilliseconds()).padStart(3, "0");
}

/** "name:hit:86s?", as in the log: the age may be missing, "?" says that it is not certain, names may have colons. */
export function layer(text) {
  const [, name, outcome, age, doubt] = /^(.*?):([a-z]+)(?::(\d+)s)?(\?)?$/.exec(text) ?? [, text, "unknown", , "?"];
  return {
    name: name === "-" ? "a cache" : name,
    outcome,
    certain: !doubt,
    age_s: age === undefined ? null : Number(age),
  };
}

/** Of "stale(edge, 30 s)", each of which may be missing. */
function partsOf(verdict) {
  const [, name = "", beside, alone] = /^[a-z-]+\((?:(\S+?)(?:, (\d+) s)?|(\d+) s)\)$/.exec(verdict) ?? [];
  const s = beside ?? alone;
  return {name, time: s === undefined ? null : seconds(Number(s))};
}

function whichCache(text) {
  const {name} = partsOf(text);
  return name ? `the cache “${name}”` : "a cache on the way";
}

/** How caches that ignore fields were passed by, and what one of them had. */
function piercing(facts) {
  if (!facts["freshet.pierced"])
    return "";
  const copy = {changed: " A cache had an older copy, which nobody was given.", same: " A cache had a copy, which was as new."};
  return ` freshet changed how the address is written (${facts["freshet.pierced"]}), so that no cache knew it.` +
    (copy[facts["freshet.stored_copy"]] ?? "");
}

function afterwards(exchange) {
  if (exchange.facts["freshet.busted"])
    return " Your program was told not to keep it.";
  return "";
}

function soFar(facts) {
  if (facts["freshet.tunnel"])
    return `A tunnel that is open. It passes through unread: ${facts["freshet.not_busted_reason"] ?? "opaque"}.`;
  return "It still runs: this is what is known so far, and there is no verdict before its end.";
}

/** What came of it, for somebody who never heard of HTTP. */
export function sentence(exchange) {
  const facts = exchange.facts, text = exchange.verdictText, {time} = partsOf(text);
  const error = facts["freshet.error"];

  if (exchange.running)
    return soFar(facts);
  if (facts["freshet.intercepted"])
    return "An encrypted connection that freshet reads; each request in it has its own line.";
  if (facts["freshet.tunnel"])
    return `Passed through unread, so caches were not bypassed: ${facts["freshet.not_busted_reason"] ?? "opaque"}.`;
  if (error)
    return `This went wrong: ${error}.`;
  return byVerdict(exchange, text, time) + piercing(facts);
}

function byVerdict(exchange, text, time) {
  switch (exchange.verdict) {
  case "stale":
    return `Stale: it came from ${whichCache(text)}, ${time ? `${time} beyond its lifetime` : "beyond its lifetime"}, ` +
      "although freshet asked for a fresh copy.";
  case "from-cache":
    return `From ${whichCache(text)}${time ? `, stored ${time} ago` : ""}: it did not ask the origin, although freshet ` +
      "told it to.";
  case "revalidated":
    return "Up to date: a cache on the way asked the origin, which confirmed the stored copy." + afterwards(exchange);
  case "fresh":
    return "Fresh: every cache on the way says that it asked the origin." + afterwards(exchange);
  case "unknown":
    return "No cache on the way says where this came from: most likely the origin itself, but that is not proven." +
      afterwards(exchange);
  default:
    return exchange.facts["freshet.mode"] === "off" ? "Left alone: freshet is off for this site." : "Nobody looked at this one.";
  }
}
