// All about one exchange: the verdict, pictures, and both heads before and after, with the rule behind each change.
import {byId, element} from "./element.js";
import {copySection} from "./copy_view.js";
import {chain, lifetime, waterfall} from "./picture.js";
import {sentence} from "./sentence.js";
import {milliseconds, read, size} from "./words.js";

const OWN = "written anew for each connection";

/** Pairs the lines of two heads: equal names, in order.  [left, right], either of which may be null. */
function pair(before, after) {
  const rest = after.map(([name, value]) => ({name, value, used: false}));
  const rows = before.map(([name, value], line) => {
    const found = rest.find(r => !r.used && r.name.toLowerCase() === name.toLowerCase());
    if (found)
      found.used = true;
    return [{name, value, line}, found ?? null];
  });
  for (const left of rest)
    if (!left.used)
      rows.push([null, left]);
  return rows;
}

/** Whether the setting that a rule is of, as "bust: …", was changed by a switch. */
function isSwitched(why, switched) {
  const of = {bust: "mode", revalidate: "mode", pierce: "pierce"}[why.split(":")[0]];
  return switched.includes(of);
}

/** Why a line differs: the edit of that name, or the line that was dropped. */
function ruleOf([before, after], edits) {
  const name = (before ?? after).name.toLowerCase();
  if (before && after && before.value === after.value)
    return null;
  const dropped = before && edits.find(e => e.op === "drop" && e.line === before.line);
  const wanted = before ? (after ? ["set"] : ["remove", "set"]) : ["add", "set"];
  const edit = dropped ?? edits.find(e => e.field === name && wanted.includes(e.op));
  return edit?.why ?? OWN;
}

function line(side) {
  return side ? [element("span", {className: "name"}, side.name), ": ", element("span", {className: "value"}, side.value)] : "";
}

function headRow(row, edits, switched) {
  const why = ruleOf(row, edits), [before, after] = row;
  const change = why === null ? "same" : before ? (after ? "changed" : "removed") : "added";
  return element("tr", {className: change},
    element("td", {"data-side": "before"}, line(before)), element("td", {"data-side": "after"}, line(after)),
    element("td", {className: "why"}, why === null ? null : [element("strong", {}, `${change}: `), why,
      isSwitched(why, switched) ? element("em", {}, " (switched)") : null]));
}

function heads(title, before, after, {edits, names, switched}) {
  if (!before && !after)
    return null;
  const left = before ?? {start: "", fields: []}, right = after ?? {start: "", fields: []};
  const cut = left.cut || right.cut ? element("p", {className: "note"}, "The head was too long to be remembered in full.") : null;
  return element("section", {className: "heads"}, element("h3", {}, title), cut,
    element("table", {},
      element("thead", {}, element("tr", {},
        element("th", {scope: "col"}, names[0]), element("th", {scope: "col"}, names[1]), element("th", {scope: "col"}, "Rule"))),
      element("tbody", {},
        element("tr", {className: "start"}, element("td", {"data-side": "before"}, left.start || "—"),
          element("td", {"data-side": "after"}, right.start || "—"), element("td", {className: "why"})),
        pair(left.fields, right.fields).map(row => headRow(row, edits, switched)))));
}

function notes(list) {
  if (!list?.length)
    return null;
  return element("section", {className: "notes"}, element("h3", {}, "About its caching"),
    element("ul", {}, list.map(n => element("li", {"data-level": n.level},
      n.field ? element("strong", {}, `${n.field}: `) : null, n.text,
      n.where ? element("small", {}, ` ${n.where}`) : null))));
}

function lifetimes(story) {
  if (!story.browser)
    return null;
  return element("section", {className: "lifetimes"}, element("h3", {}, "What the origin allowed"),
    lifetime("A browser", story.browser), lifetime("A shared cache", story.shared));
}

/** The body's digest, and what it says beside that of an earlier exchange, if there is one. */
function content(exchange, earlier) {
  if (!exchange.digest)
    return undefined;
  const same = earlier?.digest === exchange.digest;
  return [element("code", {id: "digest"}, exchange.digest), earlier ? element("p", {id: "compared"},
    same ? "The same content as " : "Other content than ", element("a", {href: `#${earlier.id}`}, "the exchange before"), ".") : null];
}

/** "mode,pierce" as words. */
function listed(text) {
  return text.replaceAll(",", ", ");
}

const NO_DIGEST = "Bodies are passed on, not kept. Digests are computed while this page is open, of whole ones only.";
const DIGEST = "The digest is of the body as your program got it: without the framing of chunks, compressed where it is.";

function facts(exchange, earlier) {
  const f = exchange.facts;
  const rows = [
    ["Time", exchange.started.toISOString()],
    ["Client", f["client.address"] && `${f["client.address"]}:${f["client.port"]}`],
    ["User", f["user.name"]],
    ["Origin", f["freshet.origin.address"] && f["freshet.origin.address"] + (f["freshet.connection.reused"] ? ", pooled connection" : "")],
    ["TLS", f["tls.version"]],
    ["Mode", f["freshet.mode"]],
    ["Switched", f["freshet.switched"] && `${listed(f["freshet.switched"])}: by hand, not as configured`],
    ["Left alone", f["freshet.not_busted_reason"]],
    ["Error", f["freshet.error"]],
    ["Not whole", f["freshet.truncated"] ? "the client was shown that the answer broke off" : undefined],
    ["Body sent", f["http.request.body.bytes"] ? size(f["http.request.body.bytes"]) : undefined],
    ["Body received", `${size(exchange.bytes)}${exchange.type ? `, ${exchange.type}` : ""}`],
    ["SHA-256", content(exchange, earlier)],
    ["Duration", milliseconds(exchange.duration_us)],
    ["Number", exchange.id],
  ];
  return element("section", {className: "facts"}, element("h3", {}, "Facts"),
    element("dl", {}, rows.filter(row => row[1] !== undefined && row[1] !== "").map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value)))),
    exchange.host ? element("p", {}, element("a", {className: "switches", href: `/switches#${encodeURIComponent(exchange.host)}`},
      "Switches for this host")) : null,
    element("p", {className: "note"}, exchange.digest ? DIGEST : NO_DIGEST));
}

/** What was asked of a site in the open can be asked again: the page for it, with the address filled in. */
function checkLink(exchange) {
  if (exchange.facts["freshet.tunnel"] || !/^https?:\/\//.test(exchange.url))
    return null;
  return element("a", {className: "check", href: `/check#${exchange.url}`}, "Check this address");
}

function secretsButton(story, show) {
  const made = element("button", {type: "button", id: "secrets", "aria-pressed": String(story.secrets)},
    story.secrets ? "Hide secrets" : "Show secrets");
  made.addEventListener("click", () => show(!story.secrets));
  return made;
}

function verdict(exchange) {
  return element("p", {className: "sentence", "data-verdict": exchange.verdict},
    element("span", {className: "status"}, exchange.status || (exchange.running ? "no answer yet" : "no answer")), " ", sentence(exchange));
}

export class Detail {
  /** `before` finds an earlier exchange to compare with. */
  constructor(closed, before) {
    this.closed = closed;
    this.before = before;
  }

  /** What is known so far of one that has not ended. */
  drawRunning(exchange) {
    byId("detail").replaceChildren(this.title(exchange, null), verdict(exchange),
      element("section", {className: "times"}, element("h3", {}, `Time so far: ${milliseconds(exchange.duration_us)}`)), facts(exchange));
    this.open();
  }

  title(exchange, ...buttons) {
    const close = element("button", {type: "button", className: "close", title: "Escape"}, "Close");
    close.addEventListener("click", () => this.close());
    return element("header", {}, element("h2", {}, element("span", {className: "method"}, exchange.method), " ", exchange.url),
      element("div", {className: "buttons"}, ...buttons, close));
  }

  /** `mayUnveil`: whether secrets may be asked for; `show` asks for the same again, with them or without. */
  draw(story, mayUnveil, show) {
    const exchange = read(story), h = story.heads, box = byId("detail");
    const switched = (exchange.facts["freshet.switched"] ?? "").split(",");
    box.replaceChildren(
      this.title(exchange, checkLink(exchange), mayUnveil ? secretsButton(story, show) : null),
      verdict(exchange),
      exchange.facts["freshet.tunnel"] ? null : chain(exchange),
      element("section", {className: "times"}, element("h3", {}, `Time: ${milliseconds(exchange.duration_us)}`), waterfall(exchange)),
      lifetimes(story) ?? "",
      heads("Request", h.request_received, h.request_sent,
        {edits: story.edits.request, names: ["As it came from your program", "As it went to the origin"], switched}) ?? "",
      heads("Answer", h.response_received, h.response_sent,
        {edits: story.edits.response, names: ["As it came from the origin", "As your program got it"], switched}) ?? "",
      notes(story.notes) ?? "",
      facts(exchange, this.before(exchange)),
      copySection(story));
    for (const child of [...box.childNodes])
      if (child.nodeType === Node.TEXT_NODE)
        child.remove();
    box.scrollTop = 0;
    this.open();
  }

  gone(id) {
    byId("detail").replaceChildren(element("p", {className: "sentence"}, `The exchange ${id} is not remembered any more.`));
    this.open();
  }

  open() {
    document.body.classList.add("open");
    byId("detail").hidden = false;
  }

  close() {
    byId("detail").hidden = true;
    document.body.classList.remove("open");
    this.closed();
  }
}
