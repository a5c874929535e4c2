// What the list shows, as a file.  Without a filter that is all that freshet remembers, and comes from it as it is.

/** The ids are text: as numbers some would be rounded. */
const CHOOSE = {
  har(text, ids) {
    const archive = JSON.parse(text);
    archive.log.entries = archive.log.entries.filter(entry => ids.has(entry._freshet.id));
    return JSON.stringify(archive);
  },
  jsonl(text, ids) {
    const lines = text.split("\n").filter(line => ids.has(/"freshet\.id":(\d+)/.exec(line)?.[1]));
    return lines.map(line => `${line}\n`).join("");
  },
};

function nameOf(answer) {
  return /filename="([^"]*)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "";
}

function save(text, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000); // the download has begun by then
}

/** Gives the link of a whole export a click that heeds the filter; `shown` returns the ids, or null for all. */
export function exportLink(link, format, shown) {
  link.addEventListener("click", async event => {
    const ids = shown();
    if (!ids)
      return;
    event.preventDefault();
    const answer = await fetch(link.href);
    if (answer.ok)
      save(CHOOSE[format](await answer.text(), ids), answer.headers.get("Content-Type"), nameOf(answer));
  });
}
