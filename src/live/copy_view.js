// "Copy as …" and "Export", of one exchange.
import {element} from "./element.js";
import {TOOLS, canCopy, requestOf} from "./copy_as.js";

const chosen = {tool: 0, fresh: false}; // for the next exchange, too

/** Whether it is in the clipboard.  Pages over plain http have no navigator.clipboard. */
async function copy(area) {
  try {
    await navigator.clipboard.writeText(area.value);
    return true;
  } catch {
    area.focus();
    area.select();
    return document.execCommand("copy");
  }
}

function toolChoice(changed) {
  const made = element("select", {id: "copy-tool"}, TOOLS.map(([name], index) => element("option", {value: index}, name)));
  made.selectedIndex = chosen.tool;
  made.addEventListener("input", () => {
    chosen.tool = made.selectedIndex;
    changed();
  });
  return made;
}

function freshChoice(changed) {
  const made = element("input", {id: "copy-fresh", type: "checkbox", checked: chosen.fresh});
  made.addEventListener("input", () => {
    chosen.fresh = made.checked;
    changed();
  });
  return made;
}

function snippetParts(story) {
  const area = element("textarea", {id: "copy-text", readOnly: true, spellcheck: false, "aria-label": "The request as a program"});
  const told = element("span", {id: "copy-told", role: "status"});
  const button = element("button", {type: "button", id: "copy"}, "Copy");
  const write = () => {
    area.value = TOOLS[chosen.tool][1](requestOf(story, chosen.fresh));
    area.rows = area.value.split("\n").length;
    told.textContent = "";
  };
  button.addEventListener("click", async () => {
    told.textContent = await copy(area) ? "Copied." : "It is selected: copy it by the keyboard.";
  });
  write();
  return [element("p", {className: "choices"}, element("label", {}, "As ", toolChoice(write)),
    element("label", {}, freshChoice(write), " with no-cache fields"), button, told), area];
}

function fileLink(story, path, name) {
  return element("a", {href: `${path}?id=${story.id}${story.secrets ? "&secrets=1" : ""}`, download: ""}, name);
}

export function copySection(story) {
  return element("section", {className: "copy"}, element("h3", {}, "Take it along"),
    canCopy(story) ? snippetParts(story) : null,
    element("p", {}, "This exchange as a file: ", fileLink(story, "/export.har", "HAR"), ", ", fileLink(story, "/export.jsonl", "JSON")));
}
