// Elements from plain values.  Text is only ever set as text: nothing that passed through the proxy becomes markup.

/** element("p", {className: "x", title: "y"}, "text", child, [more]); null and undefined children are left out. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key.startsWith("data-") || key === "role")
      made.setAttribute(key, value);
    else
      made[key] = value;
  }
  for (const child of children.flat())
    if (child !== null && child !== undefined)
      made.append(child);
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}
