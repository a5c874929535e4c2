// Requests as programs.  Every string literal is ASCII, whatever stands in it: what is not becomes an escape.

/** A literal in double quotes; `escape` is how the language writes a character that is not ASCII, or a control. */
function literal(text, escape, special = /["\\]/g) {
  return `"${text.replace(special, "\\$&").replace(/[^ -~]/gu, escape)}"`;
}

function hex(n, digits) {
  return n.toString(16).padStart(digits, "0");
}

/** Two of them for what is beyond U+FFFF. */
function utf16(character) {
  return [...character].flatMap(c => c.split("")).map(unit => `\\u${hex(unit.charCodeAt(0), 4)}`).join("");
}

function bytes(character) {
  return [...new TextEncoder().encode(character)].map(byte => `\\x${hex(byte, 2)}`).join("");
}

export function pythonQuote(text) {
  return literal(text, c => `\\U${hex(c.codePointAt(0), 8)}`);
}

export function utf16Quote(text) {
  return literal(text, utf16);
}

/** Go's strings are bytes, and so are JavaScript's when they stand for header fields: one unit a byte. */
export function bytesQuote(text) {
  return literal(text, bytes);
}

/** In double quotes PHP replaces variables, too. */
export function phpQuote(text) {
  return literal(text, bytes, /["\\$]/g);
}

function isAscii(text) {
  return /^[ -~\t]*$/.test(text);
}

function comments(request, prefix, more = []) {
  return [...request.notes, ...more].map(note => `${prefix} ${note}\n`).join("");
}

/** For those that can only send ASCII. */
function notAscii(request) {
  return request.fields.filter(([, value]) => !isAscii(value)).map(([name]) => `${name} is not ASCII: what is sent of it differs.`);
}

function has(request, name) {
  return request.fields.some(([other]) => other.toLowerCase() === name);
}

export function python(request) {
  const lines = request.fields.map(([name, value]) =>
    `    ${pythonQuote(name)}: ${pythonQuote(value)}${isAscii(value) ? "" : ".encode()"},\n`);
  for (const own of ["User-Agent", "Accept-Encoding"])
    if (!has(request, own.toLowerCase()))
      lines.push(`    "${own}": SKIP_HEADER,\n`);
  if (!has(request, "accept"))
    lines.push('    "Accept": None,\n');
  return `${comments(request, "#")}import requests\nfrom urllib3.util import SKIP_HEADER\n\n` +
    `response = requests.request(${pythonQuote(request.method)}, ${pythonQuote(request.url)}, allow_redirects=False, headers={\n` +
    `${lines.join("")}})\nprint(response.status_code, response.text)\n`;
}

function object(request) {
  return request.fields.map(([name, value]) => `    ${bytesQuote(name)}: ${bytesQuote(value)},\n`).join("");
}

export function fetchApi(request) {
  return `${comments(request, "//", ["Browsers set some fields by themselves, such as Cookie, Origin and Referer; Node sends them."])}` +
    `const response = await fetch(${utf16Quote(request.url)}, {\n  method: ${utf16Quote(request.method)},\n` +
    `  redirect: "manual",\n  headers: {\n${object(request)}  },\n});\nconsole.log(response.status, await response.text());\n`;
}

export function node(request) {
  const [, scheme, host, port, path] = /^(https?):\/\/(\[[^\]]*\]|[^:/?]*):?(\d*)(.*)$/i.exec(request.url);
  const target = path.startsWith("/") ? path : `/${path}`, module = scheme.toLowerCase();
  return `${comments(request, "//")}const client = require("${module}");\n\nclient.request({\n` +
    `  host: ${utf16Quote(host.replace(/[[\]]/g, ""))},\n${port ? `  port: ${port},\n` : ""}  path: ${utf16Quote(target)},\n` +
    `  method: ${utf16Quote(request.method)},\n  headers: {\n${object(request)}  },\n}, response => {\n` +
    "  console.log(response.statusCode);\n  response.pipe(process.stdout);\n}).end();\n";
}

export function php(request) {
  const fields = request.fields.map(([name, value]) => `    ${phpQuote(`${name}: ${value}`)},\n`);
  return `<?php\n${comments(request, "//")}$context = stream_context_create(["http" => [\n` +
    `  "method" => ${phpQuote(request.method)},\n  "protocol_version" => "1.1",\n  "follow_location" => 0,\n` +
    `  "ignore_errors" => true,\n  "header" => [\n${fields.join("")}  ],\n]]);\n` +
    `echo file_get_contents(${phpQuote(request.url)}, false, $context);\n`;
}

export function java(request) {
  const fields = request.fields.map(([name, value]) => `            .header(${utf16Quote(name)}, ${utf16Quote(value)})\n`);
  return `${comments(request, "//", notAscii(request))}import java.net.URI;\nimport java.net.http.*;\n\npublic class Request {\n` +
    "    public static void main(String[] arguments) throws Exception {\n" +
    `        HttpRequest request = HttpRequest.newBuilder(URI.create(${utf16Quote(request.url)}))\n` +
    `            .method(${utf16Quote(request.method)}, HttpRequest.BodyPublishers.noBody())\n` +
    `            .version(HttpClient.Version.HTTP_1_1)\n${fields.join("")}            .build();\n` +
    "        HttpResponse<String> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n" +
    "        System.out.println(response.statusCode() + \" \" + response.body());\n    }\n}\n";
}

// .NET keeps what describes a body apart, and takes Expires for such a field.
const OF_CONTENT = /^(allow|content-.*|expires|last-modified)$/i;

export function csharp(request) {
  const content = request.fields.some(([name]) => OF_CONTENT.test(name));
  const fields = request.fields.map(([name, value]) =>
    `request${OF_CONTENT.test(name) ? ".Content" : ""}.Headers.TryAddWithoutValidation(${utf16Quote(name)}, ${utf16Quote(value)});\n`);
  const indent = text => text.replace(/^(?=.)/gm, "        ");
  return `${comments(request, "//", notAscii(request))}using System;\nusing System.Net.Http;\n\n` +
    "class Program {\n    static void Main() {\n" + indent(
      "var handler = new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false };\nvar client = new HttpClient(handler);\n" +
      `var request = new HttpRequestMessage(new HttpMethod(${utf16Quote(request.method)}), ${utf16Quote(request.url)});\n` +
      (content ? "request.Content = new ByteArrayContent(new byte[0]);\n" : "") + fields.join("") +
      "var response = client.SendAsync(request).Result;\n" +
      "Console.WriteLine((int)response.StatusCode + \" \" + response.Content.ReadAsStringAsync().Result);\n") + "    }\n}\n";
}

export function go(request) {
  const fields = request.fields.map(([name, value]) => `\trequest.Header[${bytesQuote(name)}] = []string{${bytesQuote(value)}}\n`);
  if (!has(request, "user-agent"))
    fields.push('\trequest.Header["User-Agent"] = nil\n');
  return `${comments(request, "//")}package main\n\nimport (\n\t"fmt"\n\t"io"\n\t"net/http"\n)\n\nfunc main() {\n` +
    `\trequest, err := http.NewRequest(${bytesQuote(request.method)}, ${bytesQuote(request.url)}, nil)\n` +
    `\tif err != nil {\n\t\tpanic(err)\n\t}\n${fields.join("")}` +
    "\tresponse, err := http.DefaultTransport.RoundTrip(request)\n\tif err != nil {\n\t\tpanic(err)\n\t}\n" +
    "\tdefer response.Body.Close()\n\tbody, _ := io.ReadAll(response.Body)\n\tfmt.Println(response.Status, string(body))\n}\n";
}
