// What came of an exchange as a sentence, for somebody who never heard of HTTP.  It says what the facts show and no more.
import {layer, seconds} from "./words.js";

const VENDORS = {
  "varnish": "Varnish", "cloudflare": "Cloudflare", "akamai": "Akamai", "akamai-parent": "Akamai’s parent cache", "fastly": "Fastly",
  "bunny": "Bunny", "sucuri": "Sucuri", "quic.cloud": "QUIC.cloud", "huawei": "Huawei Cloud", "vercel": "Vercel", "kinsta": "Kinsta",
  "litespeed": "LiteSpeed", "litespeed-adc": "LiteSpeed ADC", "magento": "Magento", "next": "Next.js", "symfony": "Symfony",
  "rack-cache": "Rack::Cache", "drupal": "Drupal", "drupal-dynamic": "Drupal",
};

/** Names that are only those of the fields by which caches of many kinds show themselves. */
const FIELDS = /^(x-cache.*|x-proxy-cache|cdn-cache|fastcgi|via|)$/;

/** What a cache is called that names itself like this. */
export function called(name) {
  if (FIELDS.test(name))
    return name ? `a cache (${name})` : "a cache";
  return VENDORS[name] ?? name;
}

/** The same, and where it is as far as anybody knows. */
export function whoAt(name, host) {
  const way = host ? ` on the way to ${host}` : " on the way";
  if (FIELDS.test(name))
    return `a cache${way}`;
  if (VENDORS[name])
    return VENDORS[name] + (host ? ` at ${host}` : "");
  return `the cache “${name}”${way}`;
}

/** As it stands at the beginning of a sentence. */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Of "stale(edge, 30 s)", each of which may be missing. */
function partsOf(verdict) {
  const [, name = "", beside, alone] = /^[a-z-]+\((?:(\S+?)(?:, (\d+) s)?|(\d+) s)\)$/.exec(verdict) ?? [];
  const s = beside ?? alone;
  return {name, time: s === undefined ? null : seconds(Number(s))};
}

/** Whether freshet told caches to ask the origin. */
export function wasAskedToBeFresh(facts) {
  return (facts["freshet.edits.request"] ?? []).includes("cache-control=");
}

function fromCache({facts, verdictText, host}) {
  const {name, time} = partsOf(verdictText);
  return `From a cache: served by ${whoAt(name, host)}${time ? `, stored ${time} ago` : ""}, without asking the origin` +
    (wasAskedToBeFresh(facts) ? ", although freshet told it to." : ".");
}

function stale({facts, verdictText, host}) {
  const {name, time} = partsOf(verdictText);
  const {age_s} = (facts["freshet.layers"] ?? []).map(layer).find(l => l.outcome === "hit" || l.outcome === "stale") ?? {};
  return `Stale: served by ${whoAt(name, host)}${age_s ? `, ${seconds(age_s)} old` : ""}` +
    `, ${time ? `${time} ` : ""}beyond its lifetime` +
    (wasAskedToBeFresh(facts) ? ", although freshet asked for a fresh copy." : ".");
}

const WAYS = {
  path: "with letters of the path percent-encoded", vary: "with another User-Agent", query: "with a parameter added",
  empty: "with empty parameters added",
};

/** How caches that ignore fields were passed by. */
function pierced(facts) {
  const way = WAYS[facts["freshet.pierced"]];
  if (way)
    return ` To get past caches, freshet asked ${way}.`;
  return facts["freshet.not_busted_reason"]?.startsWith("could not be pierced") ?
    " freshet also asked in other ways, none of which brought anything better." : "";
}

/** What is known of a copy that was seen on the way, beside what the origin answered. */
export function passedBy({facts}) {
  const older_s = facts["freshet.stored_copy_older_s"], age_s = facts["freshet.stored_copy_age_s"];
  const stored = age_s ? `, stored ${seconds(age_s)} ago` : "";
  switch (facts["freshet.stored_copy"]) {
  case "changed":
    return older_s ? `a copy ${seconds(older_s)} older than the origin’s` : `another version${stored}`;
  case "same":
    return `a copy${stored}, with the same content`;
  default:
    return "";
  }
}

function passed(exchange) {
  const what = passedBy(exchange);
  const who = capital(whoAt(exchange.facts["freshet.stored_copy_layer"] ?? "", exchange.host));
  return what ? ` ${who} had ${what}; nobody was given that.` : "";
}

function byVerdict(exchange) {
  switch (exchange.verdict) {
  case "stale":
    return stale(exchange);
  case "from-cache":
    return fromCache(exchange);
  case "revalidated":
    return "Up to date: a cache on the way asked the origin, which confirmed the stored copy.";
  case "fresh":
    return "Fresh: every cache on the way says that it asked the origin.";
  case "unknown":
    return "No cache on the way says where this came from: most likely the origin itself, but that is not proven.";
  default:
    return exchange.facts["freshet.mode"] === "off" ? "Left alone: freshet is off for this site." :
      "freshet answered this itself; nobody else was asked.";
  }
}

function afterwards(facts) {
  return facts["freshet.busted"] ? " Your program was told not to keep it." : "";
}

function soFar(facts) {
  if (facts["freshet.tunnel"])
    return `A tunnel that is open. It passes through unread: ${facts["freshet.not_busted_reason"] ?? "opaque"}.`;
  return "It still runs: this is what is known so far, and there is no verdict before its end.";
}

export function sentence(exchange) {
  const facts = exchange.facts;

  if (exchange.running)
    return soFar(facts);
  if (facts["freshet.intercepted"])
    return "An encrypted connection that freshet reads; each request in it has its own line.";
  if (facts["freshet.tunnel"])
    return `Passed through unread, so caches were not bypassed: ${facts["freshet.not_busted_reason"] ?? "opaque"}.`;
  if (facts["freshet.error"])
    return `This went wrong: ${facts["freshet.error"]}.`;
  return byVerdict(exchange) + passed(exchange) + pierced(facts) + afterwards(facts);
}
