// What all pages ask of freshet: who it is, and that something be done.

/** {version, token, here}: `here` is whether this browser is on freshet's machine. */
export async function about() {
  return (await fetch("/live/about")).json();
}

/** Has something done.  The answer; with the token as it is now, for a restart has made it another. */
export async function post(path, parameters = {}) {
  const {token} = await about();
  return fetch(`${path}?${new URLSearchParams(parameters)}`, {method: "POST", headers: {"X-Freshet-Token": token}});
}
