// An exchange as a program that makes the same request again.  What it is, for whoever runs it; how it is written, in
// copy_shell.js and copy_code.js.
import {curl, httpie, powershell, wget} from "./copy_shell.js";
import {csharp, fetchApi, go, java, node, php, python} from "./copy_code.js";

/** What each is called, and what writes it: (request) => text. */
export const TOOLS = [
  ["curl", curl], ["wget", wget], ["HTTPie", httpie], ["Python (requests)", python], ["JavaScript (fetch)", fetchApi],
  ["Node", node], ["PHP", php], ["Java", java], ["C#", csharp], ["Go", go], ["PowerShell", powershell],
];

const TRIPLE = [["Cache-Control", "no-cache, no-store, must-revalidate"], ["Pragma", "no-cache"], ["Expires", "0"]];

// Of the connection, for the proxy, or made by the tool from the URL and the body.
const NOT_COPIED = new Set(["host", "connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding",
  "upgrade", "expect", "content-length", "proxy-authorization", "proxy-authenticate"]);

const HIDDEN = "***";

/** Whether there is a request to copy: not of tunnels, and not where nobody understood what was asked for. */
export function canCopy(story) {
  const start = story.heads.request_received?.start ?? "";
  return !story.facts["freshet.tunnel"] && !story.facts["freshet.intercepted"] && urlOf(story, start) !== null;
}

/** The address: the request line has all of it, but its site only outside of tunnels; the facts may have cut it. */
function urlOf(story, start) {
  const target = start.split(" ")[1] ?? "", asked = story.facts["url.original"] ?? "";
  const url = /^https?:\/\//i.test(target) ? target : target.startsWith("/") ? siteOf(asked) + target : asked;
  return /^https?:\/\/[^/?#]/i.test(url) ? encode(url) : null;
}

function siteOf(url) {
  return /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? "";
}

/** What no URL can hold is percent-encoded, as every tool would do, each in its own way. */
function encode(url) {
  const site = siteOf(url);
  return site + url.slice(site.length).replace(/%(?![0-9a-f]{2})|[^!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]/giu, encodeURIComponent);
}

/** Lines of the same name as one, in order (RFC 9110 section 5.3; Cookie has a separator of its own). */
function join(fields) {
  const joined = new Map();
  for (const [name, value] of fields) {
    const key = name.toLowerCase(), before = joined.get(key);
    if (before)
      before[1] += (key === "cookie" ? "; " : ", ") + value;
    else
      joined.set(key, [name, value]);
  }
  return [...joined.values()];
}

function withTriple(fields) {
  const names = new Set(TRIPLE.map(([name]) => name.toLowerCase()));
  return [...fields.filter(([name]) => !names.has(name.toLowerCase())), ...TRIPLE];
}

/** {method, url, fields, notes}: the client's request; `fresh` adds what has caches ask the origin. */
export function requestOf(story, fresh) {
  const {start, fields, cut} = story.heads.request_received;
  const kept = join(fields.filter(([name]) => !NOT_COPIED.has(name.toLowerCase())));
  const url = urlOf(story, start), bytes = story.facts["http.request.body.bytes"] ?? 0, notes = [];
  if (cut)
    notes.push("The head was too long to be remembered in full: fields are missing.");
  if (bytes)
    notes.push(`The body, ${bytes} bytes, was not kept: add it.`);
  if (!story.secrets && (url.includes(HIDDEN) || kept.some(([, value]) => value.includes(HIDDEN))))
    notes.push(`${HIDDEN} stands for secrets: "Show secrets" on freshet's page has them copied.`);
  return {method: start.split(" ")[0], url, fields: fresh ? withTriple(kept) : kept, notes};
}
