// What an exchange is called in the words of people: parts of its address, sizes, durations, what its caches said.

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

const TIME_OF_DAY = new Intl.DateTimeFormat([], {timeStyle: "medium", hourCycle: "h23"}); // to make one takes long

export function clock(date) {
  return `${TIME_OF_DAY.format(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** "name:hit:86s?", as in the log: the age may be missing, "?" says that it is not certain, names may have colons. */
export function layer(text) {
  const [, name, outcome, age, doubt] = /^(.*?):([a-z]+)(?::(\d+)s)?(\?)?$/.exec(text) ?? [, text, "unknown", , "?"];
  return {
    name: name === "-" ? "" : name,
    outcome,
    certain: !doubt,
    age_s: age === undefined ? null : Number(age),
  };
}
