// The page that leads programs to freshet: what this browser does already, found out by asking.
import {byId, element} from "/live/element.js";
import {seconds, size} from "/live/words.js";

const OWN = "freshet.internal";
const PATIENCE_MS = 8000;
const UNREAD_EVERY_MS = 2000;
const {authority, mark} = document.body.dataset;
const secure = location.protocol === "https:"; // then this page came by an intercepted tunnel, and http is not to be asked

/** What freshet says under the name that only it resolves; null where nobody, or another, answers. */
async function ask(scheme, what, round = "") {
  try {
    const answer = await fetch(`${scheme}://${OWN}/connect/${what}?mark=${mark}&round=${round}`,
      {credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS)});
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function tell(check, state, text) {
  const item = byId(`check-${check}`);
  item.dataset.state = state;
  item.querySelector("span").textContent = text;
}

async function usesProxy() {
  const seen = await ask(secure ? "https" : "http", "seen");
  if (seen)
    tell("proxy", "ok", "What it asks for goes through this freshet.");
  else
    tell("proxy", "not", "It did not reach this freshet by way of a proxy. Set the address below; if freshet was started anew, " +
      "reload this page.");
  return seen !== null;
}

const UNTRIED = {
  none: "There is nothing to trust: freshet does not read https, and has no authority.",
  idle: "Cannot be tried: freshet shows its certificates to nobody, because intercept is off for every site.",
  limited: "Cannot be tried: the authority is good for certain domains only. Open one of them.",
};

async function trusts(proxied) {
  if (UNTRIED[authority])
    tell("trust", "unknown", UNTRIED[authority]);
  else if (!proxied)
    tell("trust", "unknown", "Cannot be told before it uses freshet.");
  else if (await ask("https", "seen"))
    tell("trust", "ok", "It accepts freshet’s certificates, unless you once told it to go on in spite of a warning.");
  else
    tell("trust", "not", "It does not accept freshet’s certificate, or does not use freshet for https. Install the authority; see " +
      "below. After that some browsers have to be started anew.");
}

/** An answer that may be kept for an hour, unless freshet takes that off it, asked for twice. */
async function getsFresh(proxied) {
  const scheme = secure ? "https" : "http", round = Math.random(); // what was kept in rounds before does not count
  const first = proxied ? await ask(scheme, "kept", round) : null;
  const second = first ? await ask(scheme, "kept", round) : null;
  if (!second)
    tell("busted", "unknown", "Cannot be told before it uses freshet.");
  else if (first.made_us === second.made_us)
    tell("busted", "not", "It answered from its own cache: freshet leaves answers as they are, by its option mode.");
  else if (!first.rewritten)
    tell("busted", "not", "freshet leaves answers as they are, by its option mode, though this time nothing came from a cache.");
  else
    tell("busted", "ok", "An answer that may be kept for an hour was asked for again. Sites with settings of their own may differ, " +
      "and what passes through unread does.");
}

async function check() {
  byId("again").disabled = true;
  for (const name of ["proxy", "trust", "busted"])
    tell(name, "wait", "Looking.");
  const proxied = await usesProxy();
  await Promise.all([trusts(proxied), getsFresh(proxied)]);
  byId("again").disabled = false;
}

// -- blind spots

function unreadRow(spot) {
  const times = `${spot.tunnels} time${spot.tunnels === 1 ? "" : "s"}`;
  return element("tr", {}, element("td", {"data-of": "host"}, `${spot.host}:${spot.port}`), element("td", {}, spot.reason),
    element("td", {}, spot.advice), element("td", {}, `${times}, ${size(spot.bytes)}, ${seconds(spot.quiet_s)} ago`));
}

/** A sentence about the list, and the list. */
function drawUnread({hosts, forgotten}) {
  const more = forgotten ? ` ${forgotten} more were quiet for longer and are forgotten.` : "";
  byId("unread-note").textContent = (hosts.length ? "Of these hosts only tunnels were seen, which may have been answered by any cache. " +
    "Bytes count when a tunnel ends." : "Nothing so far: no tunnel passed through unread.") + more;
  byId("unread").hidden = !hosts.length;
  byId("unread").tBodies[0].replaceChildren(...hosts.map(unreadRow));
}

async function lookForUnread() {
  if (document.hidden)
    return;
  const answer = await fetch("/live/unread").catch(() => null);
  if (answer?.ok)
    drawUnread(await answer.json());
  else
    byId("unread-note").textContent = answer?.status === 403 ? "It is shown on the proxy’s own machine, or to who has a password." :
      "freshet does not answer.";
}

lookForUnread();
setInterval(lookForUnread, UNREAD_EVERY_MS);
document.addEventListener("visibilitychange", lookForUnread);

// -- the steps

/** The steps for what this most likely is; a guess, so that the others stay at hand. */
function platform() {
  const agent = navigator.userAgent;
  const guesses = [["android", /Android/], ["ios", /iPhone|iPad/], ["firefox", /Firefox\//], ["windows", /Windows/], ["macos", /Mac OS X/],
    ["chromium", /Chrome\//]];
  return guesses.find(([, pattern]) => pattern.test(agent))?.[0] ?? "linux";
}

document.querySelector(`[data-platform=${platform()}]`).open = true;
byId("again").hidden = false;
byId("again").addEventListener("click", check);
check();
