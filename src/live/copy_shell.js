// Requests as commands for a shell.

/** Everything between single quotes is itself; the quote stands outside of them. */
export function shellQuote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** PowerShell doubles the quote, and takes typographic ones for it. */
export function powershellQuote(text) {
  return `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}

function has(request, name) {
  return request.fields.some(([other]) => other.toLowerCase() === name);
}

function comments(notes) {
  return notes.map(note => `# ${note}\n`).join("");
}

/** One argument a line. */
function command(request, args, notes = []) {
  return comments([...request.notes, ...notes]) + args.join(" \\\n  ") + "\n";
}

// curl: "Name;" sends an empty value, "Name:" nothing, not even curl's own.
export function curl(request) {
  const fields = request.fields.map(([name, value]) => `-H ${shellQuote(value ? `${name}: ${value}` : `${name};`)}`);
  for (const own of ["User-Agent", "Accept"])
    if (!has(request, own.toLowerCase()))
      fields.push(`-H '${own}:'`);
  if (has(request, "accept-encoding"))
    fields.push("--compressed");
  const method = request.method === "HEAD" ? ["--head"] : request.method === "GET" ? [] : [`-X ${shellQuote(request.method)}`];
  return command(request, [`curl --globoff --path-as-is ${shellQuote(request.url)}`, ...method, ...fields]);
}

export function wget(request) {
  const fields = request.fields.map(([name, value]) => `--header=${shellQuote(`${name}: ${value}`)}`);
  if (!has(request, "user-agent"))
    fields.push("--user-agent=''");
  return command(request, [`wget -O - --max-redirect=0 --content-on-error --method=${shellQuote(request.method)}`, ...fields,
    shellQuote(request.url)], ["wget sends Accept and Accept-Encoding of its own where there are none."]);
}

// HTTPie: separators tell kinds of items apart, ":=" and ":@" among them; a backslash takes that away from "=" and "@", and
// cannot itself stand in front of a separator.
export function httpie(request) {
  const items = [], notes = [];
  for (const [name, value] of request.fields) {
    if (/\\[:;=@?]/.test(value))
      notes.push(`HTTPie has no way to write the value of ${name}.`);
    else
      items.push(shellQuote(value ? `${name}:${value.replace(/^[=@]/, "\\$&")}` : `${name};`));
  }
  for (const own of ["User-Agent", "Accept", "Accept-Encoding"])
    if (!has(request, own.toLowerCase()))
      items.push(`${own}:`);
  if (!/^[A-Za-z]+$/.test(request.method))
    notes.push("HTTPie knows no methods but words.");
  return command(request, ["http --ignore-stdin --path-as-is", shellQuote(request.method), shellQuote(request.url), ...items], notes);
}

export function powershell(request) {
  const agent = request.fields.find(([name]) => name.toLowerCase() === "user-agent");
  const fields = request.fields.filter(field => field !== agent)
    .map(([name, value]) => `  ${powershellQuote(name)} = ${powershellQuote(value)}\n`);
  return comments([...request.notes, "PowerShell 7"]) + `Invoke-WebRequest -Uri ${powershellQuote(request.url)} \`\n` +
    `  -CustomMethod ${powershellQuote(request.method)} -MaximumRedirection 0 -SkipHttpErrorCheck -SkipHeaderValidation \`\n` +
    (agent ? `  -UserAgent ${powershellQuote(agent[1])} \`\n` : "") + `  -Headers @{\n${fields.map(f => `  ${f}`).join("")}  }\n`;
}
